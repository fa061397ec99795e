import { exitCodes, UserError } from '../local/operator/user-error.ts';

/**
 * What to do about a listener that could not start; undefined for other errors.
 *
 * @param flags and the ports that they were given
 */
export function listenError(
  error: unknown,
  host: string,
  flags: readonly (readonly [string, number | undefined])[],
): UserError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const taken = 'port' in error ? Number(error.port) : undefined;
  const flag = flags.find(([, value]) => value === taken)?.[0];
  const choose = flag === undefined ? 'another port' : `another one with ${flag} (0 picks a free one)`;
  if (error.code === 'EADDRINUSE') {
    return new UserError('port-in-use', `port ${taken} is in use; choose ${choose}`, {
      exitCode: exitCodes.failed,
    });
  }
  if (error.code === 'EACCES' && taken !== undefined) {
    return new UserError('port-forbidden', `this user may not listen on port ${taken}; choose ${choose}`);
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new UserError('host-unavailable', `${host} is not an address of this machine; see --host`);
  }
  return undefined;
}
