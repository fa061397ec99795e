import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';

/** The certificate of the local service. */
export interface OwnCertificate {
  /** The server's certificate, followed by its authority's, in PEM. */
  readonly cert: string;
  readonly key: string;
  /** File with the authority's certificate, for `--cafile` and the like. */
  readonly caPath: string;
}

const dayMs = 86_400_000;
const validDays = 365;
/** A certificate with fewer days left is replaced at the next start. */
const renewDays = 30;

/**
 * Returns a certificate for this machine, from `directory` or newly made by an authority of its
 * own. Nobody can sign with that authority later, because its key is not kept: whoever trusts it
 * trusts this one server. Key and certificates are in one file of mode 600, replaced atomically, so
 * that a crash leaves the old ones or the new ones; `ca.pem` is written from it at each start.
 *
 * @param host that the service listens on; beside `localhost` and the loopback addresses
 */
export async function ownCertificate(
  directory: string,
  host: string,
  nowMs: number,
): Promise<OwnCertificate> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const hosts = hostsOf(host);
  const path = join(directory, 'localhost.pem');
  let kept = parse(await readFile(path, 'utf8').catch(() => ''));
  if (kept === undefined || !isUsable(kept.cert, hosts, nowMs)) {
    kept = await make(hosts, nowMs);
    await replace(path, `${kept.key}${kept.cert}${kept.ca}`, 0o600);
  }
  const caPath = join(directory, 'ca.pem');
  await replace(caPath, kept.ca, 0o644);
  return { key: kept.key, cert: `${kept.cert}${kept.ca}`, caPath };
}

function hostsOf(host: string): string[] {
  const usual = ['localhost', '127.0.0.1', '::1'];
  // Certificates have no zones (fe80::1%eth0).
  const [own = host] = host.split('%');
  return own === '0.0.0.0' || own === '::' || usual.includes(own) ? usual : [...usual, own];
}

/** What OpenSSL can use. */
interface Kept {
  readonly key: string;
  readonly cert: string;
  readonly ca: string;
}

function parse(text: string): Kept | undefined {
  const [key, cert, ca] = text.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----\n/g) ?? [];
  if (key === undefined || cert === undefined || ca === undefined) return undefined;
  try {
    createSecureContext({ key, cert, ca });
    return { key, cert, ca };
  } catch {
    return undefined;
  }
}

function isUsable(cert: string, hosts: readonly string[], nowMs: number): boolean {
  const certificate = new X509Certificate(cert);
  const covers = (host: string) =>
    (isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)) !== undefined;
  return Date.parse(certificate.validTo) - nowMs > renewDays * dayMs && hosts.every(covers);
}

async function make(hosts: readonly string[], nowMs: number): Promise<Kept> {
  const { createAuthority } = await import('./authority.ts');
  // Clocks of clients may be behind.
  const notBefore = new Date(nowMs - dayMs);
  const notAfter = new Date(nowMs + validDays * dayMs);
  const authority = await createAuthority('Wisp on this machine', notBefore, notAfter);
  const { cert, key } = await authority.issue({ subject: 'CN=localhost', hosts, notBefore, notAfter });
  return { key, cert, ca: `${authority.certificate.toString('pem')}\n` };
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, text, { mode });
  await rename(temporary, path);
}
