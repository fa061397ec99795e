import type { Context } from '../core/context.ts';
import type { Identity, Permissions } from '../core/permissions.ts';
import type { AuthFailure } from '../core/ports.ts';
import type { PeerState, TokenState } from '../core/store-ports/connections.ts';
import { type ConnectPacket, reasonCodes } from '../mqtt/index.ts';

/** Names under which the one method of enhanced authentication, a JWT as authentication data, may be asked for. */
export const authenticationMethods: ReadonlySet<string> = new Set(['wisp-jwt', 'OAUTH2-JWT', 'CUSTOM-JWT']);

/**
 * The identity behind a CONNECT: from authentication data (5.0, section 4.12; one method [MQTT-4.12.0-1 v5]), from the password, or from the token of
 * the handshake. The user name is a hint at the tenant whose keys are to verify the token.
 */
export async function tokenFrom(
  context: Context,
  state: PeerState,
  packet: ConnectPacket,
): Promise<Identity | AuthFailure> {
  const method = packet.properties?.authenticationMethod;
  if (method !== undefined) {
    if (!authenticationMethods.has(method)) return badMethod;
    const data = packet.properties?.authenticationData;
    if (data !== undefined) return context.authenticator.verify(textOf(data), packet.username);
  }
  if (packet.password !== undefined && packet.password.length > 0)
    return context.authenticator.verify(textOf(packet.password), packet.username);
  return state.pending ?? noToken;
}

/** What a connection keeps of its token. */
export function tokenState(
  { expiresAtSeconds, subject, tokenId, issuedAtSeconds, quotas }: Identity,
  permissions: Permissions,
  revocationsSeenMs: number | undefined,
): TokenState {
  return {
    permissions,
    ...(expiresAtSeconds === undefined ? {} : { tokenExpiresAtSeconds: expiresAtSeconds }),
    ...(subject === undefined ? {} : { subject }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(issuedAtSeconds === undefined ? {} : { tokenIssuedAtSeconds: issuedAtSeconds }),
    ...(quotas === undefined ? {} : { quotas }),
    ...(revocationsSeenMs === undefined ? {} : { revocationsSeenMs }),
  };
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}

const badMethod: AuthFailure = {
  code: 'bad-authentication-method',
  message: `the authentication method is none of ${[...authenticationMethods].join(', ')}`,
  reasonCode: reasonCodes.badAuthenticationMethod.code,
};

const noToken: AuthFailure = {
  code: 'token-missing',
  message:
    'a token is needed: as password with the tenant as user name, in the Authorization header, or in ?token=',
  reasonCode: reasonCodes.notAuthorized.code,
};
