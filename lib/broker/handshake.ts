import type { Context } from '../core/context.ts';
import type { ConnectionAddress } from '../core/model.ts';
import { noteRefusal } from '../limits/refusals.ts';

/**
 * The part of the context that a handshake needs; small, so that the bundle of `$connect` stays
 * small.
 */
export interface HandshakeContext extends Pick<Context, 'authenticator' | 'clock' | 'log' | 'timers'> {
  readonly pendingIdentities: Pick<Context['pendingIdentities'], 'put'>;
  readonly settings: Pick<Context['settings'], 'authenticationDeadlineSeconds' | 'refusalLinesPerMinute'>;
}

/**
 * Handles a WebSocket handshake: verifies its token, if it has one, and sets a deadline for
 * CONNECT.
 *
 * A crash between the two writes, or a repetition, leaves an identity that only this address can
 * use and that expires by TTL, or a timer that finds nothing to do.
 *
 * @param token from the header or the query.
 * @returns the status of the response: 200, or 401 where the token is refused.
 */
export async function handshake(
  context: HandshakeContext,
  address: ConnectionAddress,
  token: string | undefined,
  tenantHint: string | undefined,
): Promise<200 | 401> {
  const identity = token === undefined ? undefined : await context.authenticator.verify(token, tenantHint);
  if (identity !== undefined && 'code' in identity) {
    const { code, message: reason } = identity;
    noteRefusal(context, { code, what: 'handshake', connection: address, reason });
    return 401;
  }
  const dueAtMs = context.clock.nowMs() + context.settings.authenticationDeadlineSeconds * 1000;
  await Promise.all([
    context.timers.schedule({ kind: 'authentication-deadline', address }, dueAtMs),
    identity === undefined ? undefined : context.pendingIdentities.put(address, identity),
  ]);
  return 200;
}
