import { constants, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

/** A private key and its certificate, as PEM or as paths of files. */
interface KeyAndCertificate<Pem> {
  readonly key: Pem;
  /** The server's certificate, followed by those of intermediate authorities. */
  readonly cert: Pem;
}

interface CertificateSet<Pem> extends KeyAndCertificate<Pem> {
  /**
   * Certificates for other names of the server. A client that asks for one of their DNS names (SNI)
   * gets it; all other clients get the certificate above.
   */
  readonly others?: readonly KeyAndCertificate<Pem>[];
  /** Authorities of clients. With it, every client must have a certificate of one of them. */
  readonly clientCa?: Pem;
  /**
   * Revoked certificates of clients. With it, each authority in `clientCa` must have a list here
   * that is not out of date: OpenSSL refuses the clients of all others.
   */
  readonly crl?: Pem;
}

/** The certificates of the TLS listeners, in PEM. */
export type Certificates = CertificateSet<string | Buffer>;

/** Paths of PEM files. */
export type CertificateFiles = CertificateSet<string>;

/** OpenSSL's settings of a listener with these certificates. */
export function secureContextOptions({ key, cert, clientCa, crl }: Certificates): SecureContextOptions {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = constants;
  return {
    key,
    cert,
    minVersion: 'TLSv1.2',
    ...(clientCa === undefined ? {} : { ca: clientCa }),
    ...(crl === undefined ? {} : { crl }),
    // Renegotiation lets a client repeat the costly part of the handshake. With client certificates
    // without tickets, because a resumed TLS session would outlive the certificate and its
    // revocation.
    secureOptions: SSL_OP_NO_RENEGOTIATION | (clientCa === undefined ? 0 : SSL_OP_NO_TICKET),
  };
}

/** Each certificate with what is the same for all of them; the first one is the default. */
export function withEach(certificates: Certificates): readonly [Certificates, ...Certificates[]] {
  const { others = [], ...first } = certificates;
  return [first, ...others.map((other) => ({ ...first, ...other }))];
}

/** DNS names in a certificate, in lower case; `*.example.com` as it stands. */
export function dnsNames(cert: string | Buffer): string[] {
  const { subjectAltName = '' } = new X509Certificate(cert);
  return [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name = '']) => name.toLowerCase());
}

/**
 * @throws an error with `path` and `code` if a file cannot be read, with `code`
 *   `CERTIFICATE_UNUSABLE` if OpenSSL cannot use what is in the files.
 */
export async function readCertificates(files: CertificateFiles): Promise<Certificates> {
  const { others, ...first } = files;
  const entries = await Promise.all(
    Object.entries(first).map(async ([name, path]) => [name, await readFile(path)] as const),
  );
  const certificates: Certificates = {
    ...(Object.fromEntries(entries) as unknown as Certificates),
    ...(others === undefined ? {} : { others: await Promise.all(others.map(readPair)) }),
  };
  const { clientCa } = certificates;
  // OpenSSL takes an empty list of authorities, and trusts none.
  if (clientCa !== undefined && !clientCa.includes('-----BEGIN CERTIFICATE-----'))
    throw unusable(`${files.clientCa}: no certificate in PEM`);
  withEach(certificates).forEach((certificate, index) => {
    const paths = { ...first, ...others?.[index - 1] };
    try {
      createSecureContext(secureContextOptions(certificate));
    } catch (cause) {
      throw unusable(problemOf(cause, paths), cause);
    }
    if (index > 0 && dnsNames(certificate.cert).length === 0)
      throw unusable(`the certificate in ${paths.cert} has no DNS name, so no client can ask for it`);
  });
  return certificates;
}

async function readPair({ key, cert }: KeyAndCertificate<string>): Promise<KeyAndCertificate<Buffer>> {
  return { key: await readFile(key), cert: await readFile(cert) };
}

/** Paths or contents of all files, always in the same order. */
function listed<Pem>(set: CertificateSet<Pem>): Pem[] {
  const { key, cert, clientCa, crl, others = [] } = set;
  return [key, cert, clientCa, crl, ...others.flatMap((other) => [other.key, other.cert])].filter(
    (value) => value !== undefined,
  );
}

/** An error with the code `CERTIFICATE_UNUSABLE`. */
export function unusable(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code: 'CERTIFICATE_UNUSABLE' });
}

/** OpenSSL's error as a sentence with the file to look at. */
function problemOf(error: unknown, { key, cert, clientCa, crl }: CertificateFiles): string {
  const { code = '', message = String(error) } = error as { code?: string; message?: string };
  if (code.includes('KEY_VALUES_MISMATCH') || code.includes('KEY_TYPE_MISMATCH'))
    return `the private key in ${key} does not belong to the certificate in ${cert}`;
  if (/CRL/i.test(code) || /CRL/i.test(message)) return `${crl} is not a list of revoked certificates in PEM`;
  const files = [key, cert, ...(clientCa === undefined ? [] : [clientCa])];
  return `${files.join(', ')}: a private key and certificates in PEM are expected (${code || message})`;
}

const pollMs = 10_000;

/**
 * Looks every 10 seconds whether the files hold other certificates than those in use. It reads them
 * all, because file notifications miss files that are replaced through links, as in Kubernetes, and
 * on network drives. A change must hold for one more look, so that key and certificate are not
 * taken between two writes.
 *
 * @param inUse what {@link readCertificates} returned
 * @param changed receives the new certificates; it may throw.
 * @param failed receives the reason why the old ones stay. Called once per change.
 * @returns a function that stops watching
 */
export function watchCertificates(
  files: CertificateFiles,
  inUse: Certificates,
  changed: (certificates: Certificates) => void,
  failed: (error: unknown) => void,
  everyMs = pollMs,
): () => void {
  let used = JSON.stringify(listed(inUse).map(String));
  let seen = used;
  let isLooking = false;
  const look = async () => {
    const now = JSON.stringify(await Promise.all(listed(files).map(contentOf)));
    const isSettled = now === seen;
    seen = now;
    if (!isSettled || now === used) return;
    used = now;
    changed(await readCertificates(files));
  };
  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    void look()
      .catch(failed)
      .finally(() => {
        isLooking = false;
      });
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}

/** A file that cannot be read may be about to be replaced: that is a change too. */
async function contentOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => `${error.code}`);
}
