import type { Context } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';

/** What a handshake needs: little, so that the function behind `$connect` can be small. */
export interface HandshakeContext extends Pick<Context, 'authenticator' | 'clock' | 'log' | 'timers'> {
  readonly pendingIdentities: Pick<Context['pendingIdentities'], 'put'>;
  readonly settings: Pick<Context['settings'], 'authenticationDeadlineSeconds'>;
}

/**
 * A WebSocket handshake. `token` is the one from the header or the query, where there is one.
 *
 * A crash between the two writes, or a second run, leaves an identity that only this address can use and that expires, or a
 * timer that finds nothing to do.
 *
 * @returns the status with which the handshake is answered: 200, or 401 where the token is refused.
 */
export async function handshake(
  context: HandshakeContext,
  address: ConnectionAddress,
  token: string | undefined,
  tenantHint: string | undefined,
): Promise<200 | 401> {
  const identity = token === undefined ? undefined : await context.authenticator.verify(token, tenantHint);
  if (identity !== undefined && 'code' in identity) {
    context.log.info('handshake refused', { code: identity.code, address });
    return 401;
  }
  const dueAtMs = context.clock.nowMs() + context.settings.authenticationDeadlineSeconds * 1000;
  await Promise.all([
    context.timers.schedule({ kind: 'authentication-deadline', address }, dueAtMs),
    identity === undefined ? undefined : context.pendingIdentities.put(address, identity),
  ]);
  return 200;
}
