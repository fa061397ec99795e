import type { SecureContextOptions } from 'node:tls';

/** The certificates of the TLS listeners, in PEM. */
export interface Certificates {
  readonly key: string | Buffer;
  /** The server's certificate, followed by those of intermediate authorities. */
  readonly cert: string | Buffer;
  /** Authorities of clients. With it, every client must have a certificate of one of them. */
  readonly clientCa?: string | Buffer;
  /**
   * Revoked certificates of clients. With it, each authority in `clientCa` must have a list here
   * that is not out of date: OpenSSL refuses the clients of all others.
   */
  readonly crl?: string | Buffer;
}

/** OpenSSL's settings of a listener with these certificates. */
export function secureContextOptions({ key, cert, clientCa, crl }: Certificates): SecureContextOptions {
  return {
    key,
    cert,
    minVersion: 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    ...(crl === undefined ? {} : { crl }),
  };
}
