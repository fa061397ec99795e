import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ownCertificate } from '../../lib/local/own-certificate.ts';

const nowMs = Date.now();
const dayMs = 86_400_000;
let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'wisp-own-')), 'tls');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

it('is for this machine, signed by the authority in the file, and the key is private', async () => {
  const { cert, key, caPath } = await ownCertificate(directory, '192.168.1.7', nowMs);
  createSecureContext({ cert, key });
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(new X509Certificate(await readFile(caPath)).publicKey)).toBe(true);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  for (const ip of ['127.0.0.1', '::1', '192.168.1.7']) expect(certificate.checkIP(ip)).toBe(ip);
  expect((await readdir(directory)).sort()).toEqual(['ca.pem', 'localhost.pem']);
  expect((await stat(join(directory, 'localhost.pem'))).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
});

it('stays until it is about to expire', async () => {
  const made = await ownCertificate(directory, '127.0.0.1', nowMs);
  expect(await ownCertificate(directory, '0.0.0.0', nowMs + 300 * dayMs)).toEqual(made);
  const renewed = await ownCertificate(directory, '127.0.0.1', nowMs + 340 * dayMs);
  expect(renewed.cert).not.toBe(made.cert);
  expect(renewed.cert).toContain(await readFile(renewed.caPath, 'utf8'));
});

it('is made again for another host, and if its file is damaged', async () => {
  const made = await ownCertificate(directory, '127.0.0.1', nowMs);
  const other = await ownCertificate(directory, 'broker.lan', nowMs);
  expect(other.cert).not.toBe(made.cert);
  const broken = other.cert.replace(/^M.*$/m, 'MIIB');
  for (const text of ['', 'nothing', `${other.key}${broken}`]) {
    await writeFile(join(directory, 'localhost.pem'), text);
    const again = await ownCertificate(directory, 'broker.lan', nowMs);
    createSecureContext({ cert: again.cert, key: again.key });
  }
});
