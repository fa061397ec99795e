import { resolvePermissions } from '../../auth/index.ts';
import { type AuthPacket, reasonCodes } from '../../mqtt/index.ts';
import { textOf } from '../authentication.ts';
import type { Context } from '../context.ts';
import type { Connection } from '../model.ts';
import { type End, endWith, type Outcome } from '../outcome.ts';

/**
 * AUTH with 0x19: renews the token without reconnecting (section 4.12.1 of MQTT 5.0). The new token must be of the same
 * tenant and fit the client id; its permissions count from the next packet on. A failure ends the connection
 * [MQTT-4.12.1-2 v5].
 */
export async function handleAuth(
  context: Context,
  connection: Connection,
  packet: AuthPacket,
): Promise<Outcome> {
  const method = packet.properties?.authenticationMethod;
  const fail = (reasonCode: number, code: string, message: string): { replies: []; end: End } => ({
    replies: [],
    end: endWith(connection.protocolVersion, reasonCode, code, message),
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

  const renewed = {
    permissions: resolvePermissions(identity, connection),
    ...(identity.expiresAtSeconds === undefined ? {} : { tokenExpiresAtSeconds: identity.expiresAtSeconds }),
  };
  await context.connections.renew(connection.address, renewed);
  if (identity.expiresAtSeconds !== undefined)
    await context.timers.schedule(
      { kind: 'token-expiry', address: connection.address },
      identity.expiresAtSeconds * 1000,
    );
  const { tokenExpiresAtSeconds: _, ...kept } = connection;
  return {
    connection: { ...kept, ...renewed },
    replies: [
      { cmd: 'auth', reasonCode: reasonCodes.success.code, properties: { authenticationMethod: method } },
    ],
  };
}
