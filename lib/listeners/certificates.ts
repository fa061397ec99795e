import { constants } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';

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

/** Paths of PEM files. */
export type CertificateFiles = { readonly [Name in keyof Certificates]: string };

/** OpenSSL's settings of a listener with these certificates. */
export function secureContextOptions({ key, cert, clientCa, crl }: Certificates): SecureContextOptions {
  return {
    key,
    cert,
    minVersion: 'TLSv1.2',
    // Without tickets, because a resumed TLS session would outlive the certificate and its
    // revocation.
    ...(clientCa === undefined ? {} : { ca: clientCa, secureOptions: constants.SSL_OP_NO_TICKET }),
    ...(crl === undefined ? {} : { crl }),
  };
}

/**
 * @throws an error with `path` and `code` if a file cannot be read, with `code`
 *   `CERTIFICATE_UNUSABLE` if OpenSSL cannot use what is in the files.
 */
export async function readCertificates(files: CertificateFiles): Promise<Certificates> {
  const entries = await Promise.all(
    Object.entries(files).map(async ([name, path]) => [name, await readFile(path)] as const),
  );
  const certificates = Object.fromEntries(entries) as unknown as Certificates;
  const { clientCa } = certificates;
  // OpenSSL takes an empty list of authorities, and trusts none.
  if (clientCa !== undefined && !clientCa.includes('-----BEGIN CERTIFICATE-----'))
    throw unusable(`${files.clientCa}: no certificate in PEM`);
  try {
    createSecureContext(secureContextOptions(certificates));
  } catch (cause) {
    throw unusable(problemOf(cause, files), cause);
  }
  return certificates;
}

function unusable(message: string, cause?: unknown): Error {
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
  let used = JSON.stringify(Object.keys(files).map((name) => String(inUse[name as keyof Certificates])));
  let seen = used;
  let isLooking = false;
  const look = async () => {
    const now = JSON.stringify(await Promise.all(Object.values(files).map(contentOf)));
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
