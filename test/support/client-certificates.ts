import 'reflect-metadata';
import { PemConverter, X509Certificate, X509CrlGenerator, X509CrlReason } from '@peculiar/x509';
import { type Authority, createAuthority, type Issued } from '../../lib/local/authority.ts';

const dayMs = 86_400_000;

/** An authority for a server on this machine and for clients, with its list of the revoked ones. */
export interface TestAuthority {
  readonly pem: string;
  server(): Promise<Issued>;
  client(subject: string, notAfter?: Date): Promise<Issued>;
  /** The list of revoked certificates, valid for a day. */
  revoked(...certificates: readonly Issued[]): Promise<string>;
}

export async function createTestAuthority(name = 'test'): Promise<TestAuthority> {
  const [yesterday, tomorrow] = [new Date(Date.now() - dayMs), new Date(Date.now() + dayMs)];
  const authority: Authority = await createAuthority(name, yesterday, tomorrow);
  return {
    pem: `${authority.certificate.toString('pem')}\n`,
    server: () =>
      authority.issue({
        subject: 'CN=localhost',
        hosts: ['localhost', '127.0.0.1'],
        notBefore: yesterday,
        notAfter: tomorrow,
      }),
    client: (subject, notAfter = tomorrow) => authority.issue({ subject, notBefore: yesterday, notAfter }),
    async revoked(...certificates) {
      const list = await X509CrlGenerator.create({
        issuer: authority.certificate.subject,
        thisUpdate: yesterday,
        nextUpdate: tomorrow,
        signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
        signingKey: authority.privateKey,
        entries: certificates.map(({ cert }) => ({
          serialNumber: new X509Certificate(cert).serialNumber,
          revocationDate: yesterday,
          reason: X509CrlReason.keyCompromise,
        })),
      });
      // The class itself writes another label than OpenSSL reads.
      return `${PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
    },
  };
}
