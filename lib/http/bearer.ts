import { isUnproved } from '../auth/index.ts';
import type { Context } from '../core/context.ts';
import type { TenantLive } from '../core/model.ts';
import type { Identity } from '../core/permissions.ts';
import { mayBeBanned } from '../core/session-rules.ts';
import { bannedBy } from '../sessions/bans.ts';
import { isRevoked } from '../sessions/revocation.ts';
import type { HttpRequest } from './message.ts';
import type { Caller } from './noted-problems.ts';
import { Problem } from './problem.ts';

/** RFC 6750 section 3. */
const challenge = { 'www-authenticate': 'Bearer' };

/**
 * Whose token a request carries.
 *
 * @param caller gets whom the token names.
 * @throws Problem of the token.
 */
export async function identify(
  context: Context,
  { headers, query }: HttpRequest,
  caller: Caller,
): Promise<Identity> {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined) throw new Problem('token-missing', { headers: challenge });
  const identity = await context.authenticator.verify(token, query.get('tenant') ?? undefined);
  if (!('code' in identity)) {
    caller.tenant = identity.tenant;
    if (identity.clientId !== undefined) caller.clientId = identity.clientId;
    return identity;
  }
  const { code, message } = identity;
  if (code === 'tenant-suspended') throw new Problem(code);
  throw new Problem(isUnproved(identity) ? 'token-not-verified' : code, {
    message,
    headers: challenge,
    notedAs: code,
  });
}

/**
 * The tenant of a verified token, which may be used now.
 *
 * @param clientId the client that uses it, for revocations by client id.
 * @throws Problem `tenant-inactive`, `token-revoked`, `client-banned`
 */
export async function standingTenant(
  context: Context,
  identity: Identity,
  { consistent, clientId }: { readonly consistent: boolean; readonly clientId?: string | undefined },
): Promise<TenantLive> {
  const live = await context.tenants.readLive(identity.tenant, consistent);
  if (live?.status !== 'active') throw new Problem('tenant-inactive');
  if (await isRevoked(context, live, clientId === undefined ? identity : { ...identity, clientId }))
    throw new Problem('token-revoked', { headers: challenge });
  const isAsked = clientId !== undefined && mayBeBanned(live, context.clock.nowMs());
  const banned = isAsked ? await bannedBy(context, { tenant: identity.tenant, clientId }) : undefined;
  if (banned) throw new Problem(banned.code, { message: banned.message });
  return live;
}
