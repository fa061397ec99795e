import { resolvePermissions } from '../../auth/index.ts';
import type { Context } from '../../core/context.ts';
import type { TenantLive } from '../../core/model.ts';
import type { Identity, Permissions } from '../../core/permissions.ts';
import { type EffectiveQuotas, effectiveQuotas } from '../../core/quotas.ts';
import { type Refusal, refusal } from '../../core/reasons.ts';
import { mayBeBanned } from '../../core/session-rules.ts';
import type { PeerState, TokenState } from '../../core/store-ports/connections.ts';
import { mayConnect } from '../../limits/connect-rate.ts';
import { ratesRefusal } from '../../limits/rates.ts';
import type { ConnectPacket } from '../../mqtt/index.ts';
import { bannedBy } from '../../sessions/bans.ts';
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
 * Refuses a client that connects too often, before anything is read. The subject belongs to the
 * name, so that nobody can use up the CONNECTs of another subject's client.
 */
export function limitConnects(context: Context, known: Named): Named | Refused {
  const { identity, clientId } = known;
  const client = JSON.stringify([identity.tenant, clientId, identity.subject]);
  return mayConnect(context, client) ? known : { refusal: refusal('connect-rate') };
}

/** Counts the CONNECT against the packets of the tenant. */
export function limitPackets(context: Context, known: Permitted): Permitted | Refused {
  const { identity, quotas } = known;
  const codes = { client: 'connect-rate', tenant: 'tenant-connect-rate' } as const;
  const tooFast = ratesRefusal(context, identity.tenant, { quotas }, { packets: 1 }, codes);
  return tooFast === undefined ? known : { refusal: tooFast };
}

/** What a verified token is worth now. */
export interface Standing {
  readonly live: TenantLive;
  readonly permissions: Permissions;
  readonly quotas: EffectiveQuotas;
}

/**
 * Refuses a revoked token and a tenant that is not active, and resolves the permissions and quotas
 * of the others. The tenant's row is read consistently: an earlier revocation is seen.
 *
 * @param clientId of the client that uses the token; undefined where nobody has used it yet
 */
export async function standingOf(
  context: Context,
  identity: Identity,
  clientId: string | undefined,
): Promise<Standing | Refused> {
  const live = await context.tenants.readLive(identity.tenant, true);
  // A handshake token was verified earlier; the tenant may have been suspended or deleted since.
  if (live?.status !== 'active')
    return { refusal: refusal(live === undefined ? 'tenant-unknown' : 'tenant-suspended') };
  const bearer = clientId === undefined ? identity : { ...identity, clientId };
  if (await isRevoked(context, live, bearer)) return { refusal: refusal('token-revoked') };
  return {
    live,
    permissions: resolvePermissions(identity),
    quotas: effectiveQuotas(context.settings, live.quotas, identity.quotas),
  };
}

/** As {@link standingOf}; the connection row notes which revocations have been seen. */
export async function permit(context: Context, known: Named): Promise<Permitted | Refused> {
  const standing = await standingOf(context, known.identity, known.clientId);
  if ('refusal' in standing) return standing;
  const { identity, clientId } = known;
  const banned = mayBeBanned(standing.live, context.clock.nowMs())
    ? await bannedBy(context, { tenant: identity.tenant, clientId })
    : undefined;
  return banned === undefined ? { ...known, ...standing } : { refusal: banned };
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

/**
 * Names the client: what the token demands, else what the packet says, else an assigned identifier
 * that no other session has. Its session is kept under this name. A refusal is 0x02 in 3.1.1 and
 * 0x85 in 5.0.
 *
 * [MQTT-3.2.2-16 v5, MQTT-3.1.3-2 v3+v5, MQTT-3.1.3-9 v3, MQTT-3.1.3-8 v5, MQTT-3.1.3-5 v3+v5,
 * MQTT-3.1.3-6 v3+v5]
 */
export function nameClient(context: Context, known: Authenticated): Named | Refused {
  const { packet, identity } = known;
  const { clientId } = packet;
  if (clientId === '' && packet.protocolVersion === 3) return { refusal: refusal('client-id-empty') };
  // [MQTT-3.1.3-8 v3]
  if (clientId === '' && packet.protocolVersion === 4 && !packet.clean)
    return { refusal: refusal('client-id-empty') };
  // The identifier of the token is checked too: where the packet has none, it becomes part of keys.
  const { maxClientIdBytes } = context.settings;
  if (Buffer.byteLength(clientId || (identity.clientId ?? '')) > maxClientIdBytes)
    return { refusal: refusal('client-id-too-long', `at most ${maxClientIdBytes} bytes`) };
  if (identity.clientId !== undefined && clientId !== '' && clientId !== identity.clientId)
    return { refusal: refusal('client-id-not-granted') };
  if (clientId !== '') return { ...known, clientId, isAssigned: false };
  return { ...known, clientId: identity.clientId ?? context.ids.unique(), isAssigned: true };
}
