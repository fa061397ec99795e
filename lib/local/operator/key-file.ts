import { createPrivateKey } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { calculateJwkThumbprint } from 'jose';
import { UserError } from './user-error.ts';

/** A tenant's private key: P-256 as a JWK (RFC 7517). `kid` is its thumbprint (RFC 7638). */
export interface SigningKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
  readonly kid: string;
}

export function keyPath(directory: string, tenant: string): string {
  return join(directory, `${tenant}.jwk`);
}

/**
 * Writes a key that only its owner can read: mode 600 in a directory of mode 700. Never overwrites.
 * @throws UserError `key-exists`
 */
export async function writeSigningKey(path: string, key: SigningKey): Promise<void> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  try {
    await writeFile(path, `${JSON.stringify(key, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw new UserError('key-exists', `${path} already exists; move it away first`);
  }
}

/**
 * Reads a key of `writeSigningKey`, or a P-256 private key in PEM as OpenSSL writes it. Undefined
 * if the file does not exist.
 *
 * @throws UserError `key-unreadable`; `key-malformed` with a message that never quotes the file.
 */
export async function readSigningKey(path: string): Promise<SigningKey | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw new UserError('key-unreadable', `${path} cannot be read (${codeOf(error)})`, { cause: error });
  }
  const key = text.includes('-----BEGIN ') ? await fromPem(text) : parseSigningKey(text);
  if (key === undefined) {
    throw new UserError(
      'key-malformed',
      `${path} is not a private key that "wisp tenant create" wrote, nor a P-256 private key in PEM`,
    );
  }
  return key;
}

export async function deleteSigningKey(path: string): Promise<void> {
  await rm(path, { force: true });
}

function parseSigningKey(text: string): SigningKey | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kty, crv, x, y, d, kid } = value as Record<string, unknown>;
  if (kty !== 'EC' || crv !== 'P-256') return undefined;
  if (!isBase64url(x) || !isBase64url(y) || !isBase64url(d) || typeof kid !== 'string') return undefined;
  return { kty, crv, x, y, d, kid };
}

async function fromPem(text: string): Promise<SigningKey | undefined> {
  try {
    const jwk = createPrivateKey(text).export({ format: 'jwk' });
    const kid = await calculateJwkThumbprint({ ...jwk });
    return parseSigningKey(JSON.stringify({ ...jwk, kid }));
  } catch {
    return undefined;
  }
}

function isBase64url(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]{43}$/.test(value);
}

function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
