import { resolvePermissions } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import type { Identity } from '../../core/permissions.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { type TokenState, withToken } from '../../core/store-ports/connections.ts';
import { timerReachMs } from '../../core/timers.ts';
import { type AuthPacket, reasonCodes } from '../../mqtt/index.ts';
import { narrowSession } from '../../sessions/narrow-session.ts';
import { endWith, type Outcome } from '../../sessions/outcome.ts';
import { isRevoked } from '../../sessions/revocation.ts';
import { textOf, tokenState } from '../connect/token.ts';
import { mayPublishTo } from '../judge-publish.ts';
import type { Peer, Run } from './handler.ts';

/**
 * AUTH with 0x19 renews the token without a reconnect (section 4.12.1 of MQTT 5.0). The new token
 * must belong to the same tenant and subject and fit the client identifier. Its permissions apply
 * from the next packet on. Subscriptions, queued messages and a Will that they do not allow are
 * removed before AUTH is answered, with the same method. A failure ends the connection.
 *
 * Order of the writes: connection row, timer, session, Will. A crash between them leaves the new
 * permissions with subscriptions that they do not allow; the client, having had no answer,
 * reconnects, and resumption removes them.
 *
 * [MQTT-4.12.0-5 v5, MQTT-4.12.1-2 v5]
 */
export async function handleAuth({ context, connection }: Peer, [packet]: Run<AuthPacket>): Promise<Outcome> {
  const { protocolVersion } = connection;
  const method = packet.properties?.authenticationMethod;
  // No AUTH where CONNECT named no method [MQTT-4.12.0-7 v5]; else the method of CONNECT
  // [MQTT-4.12.1-1 v5].
  if (connection.authenticationMethod === undefined || method !== connection.authenticationMethod)
    return { replies: [], end: endWith(protocolVersion, refusal('authentication-method-changed')) };
  if (packet.reasonCode !== reasonCodes.reAuthenticate.code)
    return { replies: [], end: endWith(protocolVersion, refusal('auth-unexpected')) };
  const renewal = await verifyRenewal(context, connection, packet);
  if ('code' in renewal)
    return { replies: [], end: endWith(protocolVersion, renewal, reasonCodes.notAuthorized.code) };

  await context.connections.renew(connection.address, renewal);
  const { tokenExpiresAtSeconds } = renewal;
  // Later than this the next look of the connection's timer finds the new expiry.
  if (
    tokenExpiresAtSeconds !== undefined &&
    tokenExpiresAtSeconds * 1000 <= context.clock.nowMs() + timerReachMs
  )
    await context.timers.schedule(
      { kind: 'token-expiry', address: connection.address },
      tokenExpiresAtSeconds * 1000,
    );
  const renewed: Connection = withToken(connection, renewal);
  const removedCount = await narrowSession(context, { ...renewed, sentTo: renewed.address });
  await dropForbiddenWill(context, renewed);
  const tellsRemoval = removedCount > 0 && connection.requestProblemInformation;
  return {
    connection: renewed,
    replies: [
      {
        cmd: 'auth',
        reasonCode: reasonCodes.success.code,
        properties: {
          authenticationMethod: method,
          ...(tellsRemoval
            ? { reasonString: `${removedCount} subscriptions are no longer allowed and were removed` }
            : {}),
        },
      },
    ],
  };
}

/** What the connection row keeps of the new token, or why the token is refused. */
async function verifyRenewal(
  context: Context,
  connection: Connection,
  packet: AuthPacket,
): Promise<TokenState | Refusal> {
  const data = packet.properties?.authenticationData;
  if (data === undefined) return refusal('token-missing');
  const identity = await context.authenticator.verify(textOf(data), connection.tenant);
  if ('code' in identity) return identity;
  if (!isOfSameClient(identity, connection)) return refusal('token-of-another-client');
  const live = await context.tenants.readLive(connection.tenant, true);
  if (await isRevoked(context, live ?? {}, { ...identity, clientId: connection.clientId }))
    return refusal('token-revoked');
  return tokenState(identity, resolvePermissions(identity), live?.revokedAtMs);
}

/**
 * A token that does not name the client identifier must be of the subject that the session belongs
 * to.
 */
function isOfSameClient(identity: Identity, { tenant, clientId, subject }: Connection): boolean {
  if (identity.tenant !== tenant) return false;
  if (identity.clientId !== undefined) return identity.clientId === clientId;
  return subject === undefined || identity.subject === subject;
}

/** Deletes a Will that the new token no longer allows. */
async function dropForbiddenWill(context: Context, connection: Connection): Promise<void> {
  const will = await context.wills.get(connection, connection.address);
  if (will === undefined) return;
  if (mayPublishTo(connection.permissions, will.message)) return;
  await context.wills.take(connection, connection.address);
  const { tenant, clientId } = connection;
  context.log.info('Will deleted: the new token does not allow it', { tenant, clientId });
}
