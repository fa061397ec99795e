import { mayPublish, resolvePermissions } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import type { Connection } from '../../core/model.ts';
import type { TokenState } from '../../core/store-ports/connections.ts';
import { type AuthPacket, reasonCodes } from '../../mqtt/index.ts';
import { narrowSession } from '../../sessions/narrow-session.ts';
import { type End, endWith, type Outcome } from '../../sessions/outcome.ts';
import { isRevoked } from '../../sessions/revocation.ts';
import { textOf, tokenState } from '../connect/token.ts';
import type { Peer, Run } from './handler.ts';

/**
 * AUTH with 0x19: renews the token without reconnecting (section 4.12.1 of MQTT 5.0). The new token must be of the same
 * tenant and fit the client id; its permissions count from the next packet on, and subscriptions, queued messages and a
 * Will that they do not allow are removed before AUTH is answered, with the same method [MQTT-4.12.0-5 v5]. A failure ends the
 * connection [MQTT-4.12.1-2 v5].
 */
export async function handleAuth({ context, connection }: Peer, [packet]: Run<AuthPacket>): Promise<Outcome> {
  const method = packet.properties?.authenticationMethod;
  const fail = (reasonCode: number, code: string, message: string): { replies: []; end: End } => ({
    replies: [],
    end: endWith(connection.protocolVersion, { code, reasonCode, message }),
  });
  // [MQTT-4.12.0-7 v5]: no AUTH where CONNECT named no method; [MQTT-4.12.1-1 v5]: the method of CONNECT.
  if (connection.authenticationMethod === undefined || method !== connection.authenticationMethod)
    return fail(
      reasonCodes.protocolError.code,
      'authentication-method-changed',
      'AUTH must name the authentication method of CONNECT',
    );
  if (packet.reasonCode !== reasonCodes.reAuthenticate.code)
    return fail(reasonCodes.protocolError.code, 'auth-unexpected', 'no authentication is under way');
  const data = packet.properties?.authenticationData;
  if (data === undefined)
    return fail(reasonCodes.notAuthorized.code, 'token-missing', 'the authentication data must be a token');
  const identity = await context.authenticator.verify(textOf(data), connection.tenant);
  if ('code' in identity) return fail(reasonCodes.notAuthorized.code, identity.code, identity.message);
  if (
    identity.tenant !== connection.tenant ||
    (identity.clientId !== undefined && identity.clientId !== connection.clientId)
  )
    return fail(
      reasonCodes.notAuthorized.code,
      'token-of-another-client',
      'the token is for another tenant or client identifier',
    );

  const live = await context.tenants.readLive(connection.tenant, true);
  if (await isRevoked(context, live ?? {}, { ...identity, clientId: connection.clientId }))
    return fail(reasonCodes.notAuthorized.code, 'token-revoked', 'the token has been revoked');

  const permissions = resolvePermissions(identity, connection);
  const renewed = tokenState(identity, permissions, live?.revokedAtMs);
  await context.connections.renew(connection.address, renewed);
  if (identity.expiresAtSeconds !== undefined)
    await context.timers.schedule(
      { kind: 'token-expiry', address: connection.address },
      identity.expiresAtSeconds * 1000,
    );
  const current: Connection = { ...withoutToken(connection), ...renewed };
  const removed = await narrowSession(context, { ...current, sentTo: current.address });
  await dropForbiddenWill(context, current);
  return {
    connection: current,
    replies: [
      {
        cmd: 'auth',
        reasonCode: reasonCodes.success.code,
        properties: {
          authenticationMethod: method,
          ...(removed > 0 && connection.requestProblemInformation
            ? { reasonString: `${removed} subscriptions are no longer allowed and were removed` }
            : {}),
        },
      },
    ],
  };
}

function withoutToken(connection: Connection): Omit<Connection, keyof TokenState> {
  const {
    tokenExpiresAtSeconds: _,
    subject: _1,
    tokenId: _2,
    tokenIssuedAtSeconds: _3,
    quotas: _6,
    ...rest
  } = connection;
  const { permissions: _4, revocationsSeenMs: _5, ...kept } = rest;
  return kept;
}

/** A Will that the client may no longer publish is not published for it either. */
async function dropForbiddenWill(context: Context, connection: Connection): Promise<void> {
  const will = await context.wills.get(connection, connection.address);
  if (will === undefined) return;
  const { topic, qos, retain } = will.message;
  if (mayPublish(connection.permissions, topic, qos, retain)) return;
  await context.wills.take(connection, connection.address);
  context.log.info('the Will is no longer allowed', {
    tenant: connection.tenant,
    clientId: connection.clientId,
  });
}
