import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where Wisp keeps private keys and the address of the running local service: `$WISP_HOME`, default `~/.wisp`. */
export function wispHome(environment: NodeJS.ProcessEnv = process.env): string {
  const { WISP_HOME } = environment;
  return WISP_HOME === undefined || WISP_HOME === '' ? join(homedir(), '.wisp') : resolve(WISP_HOME);
}

/** Keys of the local service's tenants; those of other deployments lie in folders of their own below. */
export function keyDirectory(home: string, deployment?: string): string {
  return deployment === undefined ? join(home, 'keys') : join(home, 'keys', deployment);
}
