import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from './user-error.ts';

/** Standard Webhooks 1.0.0 asks for 24 to 64 random bytes. */
const secretBytes = 32;

/**
 * Signing secrets of rules on the operator's machine: the receiver needs them, and no answer of the
 * service repeats them.
 */
export function ruleSecretPath(keyDirectory: string, tenant: string, rule: string): string {
  return join(keyDirectory, 'rules', `${tenant}.${rule}.secret`);
}

/**
 * A signing secret, `whsec_` and base64, in a new file that only its owner can read: mode 600 in a
 * directory of mode 700. A file that is there already, from a call that did not end, is used again.
 */
export async function ensureSecretFile(path: string): Promise<string> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
  const secret = `whsec_${randomBytes(secretBytes).toString('base64')}`;
  try {
    await writeFile(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
    return secret;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return readSecretFile(path);
  }
}

/** @throws UserError `file-unreadable` with a message that never quotes the file. */
export async function readSecretFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new UserError('file-unreadable', `cannot read ${path}`, { cause });
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new UserError('file-unreadable', `${path} is empty; it must hold the secret`);
  return secret;
}

/** The file of a secret that is to take the place of that in `path`. */
export function nextSecretPath(path: string): string {
  return `${path}.next`;
}

/**
 * Puts the next secret in the place of the current one, which becomes `.previous`. A crash between
 * the steps leaves no current file; the next secret is in its file, and repeating the rotation goes
 * on with it.
 */
export async function promoteSecretFile(path: string): Promise<void> {
  await rename(path, `${path}.previous`).catch((error: unknown) => {
    // The secret came from a file of the operator's own.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
  await rename(nextSecretPath(path), path);
}
