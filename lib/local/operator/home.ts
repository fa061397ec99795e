import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * Directory of private keys and of the local service's address: `$WISP_HOME`, default `~/.wisp`.
 */
export function wispHome(environment: NodeJS.ProcessEnv = process.env): string {
  const { WISP_HOME } = environment;
  return WISP_HOME === undefined || WISP_HOME === '' ? join(homedir(), '.wisp') : resolve(WISP_HOME);
}

/** Directory of the local service's keys. Every other deployment has a directory below it. */
export function keyDirectory(home: string, deployment?: string): string {
  return deployment === undefined ? join(home, 'keys') : join(home, 'keys', deployment);
}
