import { resolvePermissions } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import type { Identity, Permissions } from '../../core/permissions.ts';
import { narrowed } from '../../core/quotas.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import type { PeerState, TokenState } from '../../core/store-ports/connections.ts';
import type { ConnectPacket } from '../../mqtt/index.ts';
import { isRevoked } from '../../sessions/revocation.ts';
import type { Authenticated, Connecting, Named, Permitted, Refused } from './admission.ts';

/**
 * Names of the one method of enhanced authentication, a JWT as authentication data
 * [MQTT-4.12.0-1 v5].
 */
const authenticationMethods: ReadonlySet<string> = new Set(['wisp-jwt', 'OAUTH2-JWT', 'CUSTOM-JWT']);

/** Verifies the token of a CONNECT. */
export async function authenticate(context: Context, known: Connecting): Promise<Authenticated | Refused> {
  const identity = await identityOf(context, known.state, known.packet);
  return 'code' in identity ? { refusal: identity } : { ...known, identity };
}

/**
 * Takes the token from the authentication data (5.0, section 4.12), from the password, or from the
 * handshake, in this order. The user name is a hint: it selects the tenant whose keys must verify
 * the token.
 */
async function identityOf(
  context: Context,
  state: PeerState,
  packet: ConnectPacket,
): Promise<Identity | Refusal> {
  const { authenticationMethod: method, authenticationData: data } = packet.properties ?? {};
  if (method !== undefined) {
    if (!authenticationMethods.has(method)) return refusal('bad-authentication-method');
    if (data !== undefined) return context.authenticator.verify(textOf(data), packet.username);
  }
  if (packet.password !== undefined && packet.password.length > 0)
    return context.authenticator.verify(textOf(packet.password), packet.username);
  return state.pending ?? refusal('token-missing');
}

/**
 * Refuses a revoked token, and resolves the permissions and quotas of the others. The tenant's row
 * is read consistently: an earlier revocation is seen, and the connection row notes which ones have
 * been.
 */
export async function permit(context: Context, known: Named): Promise<Permitted | Refused> {
  const { identity, clientId, packet } = known;
  const live = await context.tenants.readLive(identity.tenant, true);
  if (await isRevoked(context, live ?? {}, { ...identity, clientId }))
    return { refusal: refusal('token-revoked') };
  const { username } = packet;
  const permissions = resolvePermissions(identity, {
    clientId,
    ...(username === undefined ? {} : { username }),
  });
  return { ...known, live, permissions, quotas: narrowed(live?.quotas ?? {}, identity.quotas) };
}

/** What a connection row keeps of its token. */
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
