import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress, RevocationTarget, TenantLive } from '../core/model.ts';
import { refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Timer } from '../core/timers.ts';
import { closeConnection } from './close-connection.ts';
import { endWith } from './outcome.ts';

/** What a token may be revoked by, once its client is known. */
export interface Bearer {
  readonly tenant: TenantId;
  readonly clientId?: string;
  readonly subject?: string;
  readonly tokenId?: string;
  /** `iat` in seconds since 1970. */
  readonly issuedAtSeconds?: number;
}

function bearerOf(connection: Connection): Bearer {
  const { tenant, clientId, subject, tokenId, tokenIssuedAtSeconds } = connection;
  return {
    tenant,
    clientId,
    ...(subject === undefined ? {} : { subject }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(tokenIssuedAtSeconds === undefined ? {} : { issuedAtSeconds: tokenIssuedAtSeconds }),
  };
}

/**
 * Whether a token has been revoked. A token that was issued after the tenant's latest revocation
 * cannot be, so for most tokens nothing is read; for the others one BatchGetItem of at most 4 keys.
 * `iat` has whole seconds: a token issued in the second of a revocation, before or after it, is
 * revoked.
 */
export async function isRevoked(
  context: Context,
  { revokedAtMs }: Pick<TenantLive, 'revokedAtMs'>,
  bearer: Bearer,
): Promise<boolean> {
  if (revokedAtMs === undefined || wasIssuedAfter(bearer, revokedAtMs)) return false;
  const latestMs = await context.revocations.latest(bearer.tenant, targetsOf(bearer));
  return latestMs !== undefined && !wasIssuedAfter(bearer, latestMs);
}

function wasIssuedAfter({ issuedAtSeconds }: Bearer, timeMs: number): boolean {
  return issuedAtSeconds !== undefined && issuedAtSeconds * 1000 > timeMs;
}

function targetsOf({ clientId, subject, tokenId }: Bearer): RevocationTarget[] {
  return [
    { kind: 'tenant' },
    ...(clientId === undefined ? [] : [{ kind: 'client', clientId } as const]),
    ...(subject === undefined ? [] : [{ kind: 'subject', subject } as const]),
    ...(tokenId === undefined ? [] : [{ kind: 'token', tokenId } as const]),
  ];
}

/**
 * Checks a live connection once for each change of {@link TenantLive.revokedAtMs}, which its frames
 * read anyway, and notes the check in the connection row.
 */
export async function wasRevoked(
  context: Context,
  connection: Connection,
  live: TenantLive,
): Promise<boolean> {
  const { revokedAtMs } = live;
  const bearer = bearerOf(connection);
  if (revokedAtMs === undefined || wasIssuedAfter(bearer, revokedAtMs)) return false;
  if (await isRevoked(context, live, bearer)) return true;
  await context.connections.setRevocationsSeen(connection.address, revokedAtMs);
  return false;
}

/**
 * When the tenant's clients are walked a second time, in milliseconds after the revocation: a
 * CONNECT that was in progress (a function runs for at most 30 s) may have passed its check before
 * and become visible after the first walk.
 */
const secondWalkMs = 35_000;

/**
 * Revokes the tokens of `target` that were issued up to now; later tokens stay valid. From then on
 * no CONNECT or AUTH with them succeeds. A frame of a live connection is refused as soon as it
 * reads the tenant's raised row: eventually consistent reads lag by less than a second as a rule.
 * Connections that only listen are found by timers: two walks over the tenant's clients, at once
 * and after 35 seconds, with three round trips per {@link clientsPerPage} clients.
 *
 * @param options.keepSeconds how long issued tokens may live: the revocation is deleted then.
 *   Default: never.
 * @returns the time up to which tokens are revoked (ms since 1970); undefined where there is no
 *   such tenant.
 */
export async function revoke(
  context: Context,
  tenant: TenantId,
  target: RevocationTarget,
  options: { readonly keepSeconds?: number } = {},
): Promise<number | undefined> {
  const atMs = context.clock.nowMs();
  if (!(await context.revocations.revoke(tenant, target, atMs, options.keepSeconds))) return undefined;
  context.log.info('tokens revoked', { tenant, target: target.kind });
  const timer: Timer = { kind: 'revocation', tenant, target, atMs };
  await Promise.all([
    context.timers.schedule(timer, atMs),
    context.timers.schedule(timer, atMs + secondWalkMs),
  ]);
  return atMs;
}

const clientsPerPage = 100;
/** Pages that one invocation walks before it leaves the rest to the next. */
const pagesPerInvocation = 50;
/** Connections that are ended concurrently. */
const maxConcurrentEnds = 10;

/**
 * Ends the live connections of revoked tokens. Continues by timer until all clients of the tenant
 * have been checked. Idempotent.
 */
export async function endRevoked(
  context: Context,
  timer: Extract<Timer, { kind: 'revocation' }>,
): Promise<void> {
  const { tenant, target } = timer;
  if (target.kind === 'client') {
    const session = await context.sessions.get({ tenant, clientId: target.clientId });
    if (session?.address !== undefined) await endRevokedAmong(context, timer, [session.address]);
    return;
  }
  let after = timer.after;
  for (let page = 0; page < pagesPerInvocation; page += 1) {
    const { clientIds, more } = await context.tenantData.clientIds(tenant, after, clientsPerPage);
    const sessions = await context.tenantData.sessions(tenant, clientIds);
    const addresses = sessions.flatMap(({ address }) => address ?? []);
    await endRevokedAmong(context, timer, addresses);
    after = clientIds.at(-1);
    if (!more || after === undefined) return;
  }
  await context.timers.schedule(
    { ...timer, ...(after === undefined ? {} : { after }) },
    context.clock.nowMs(),
  );
}

async function endRevokedAmong(
  context: Context,
  { target, atMs }: Extract<Timer, { kind: 'revocation' }>,
  addresses: readonly ConnectionAddress[],
): Promise<void> {
  const connections = await context.connections.getMany(addresses);
  const revoked = connections.filter((connection) => {
    const bearer = bearerOf(connection);
    return !wasIssuedAfter(bearer, atMs) && isTarget(bearer, target);
  });
  await concurrently(revoked, maxConcurrentEnds, async (connection) => {
    context.log.count(metrics.connectionsRevoked);
    const end = endWith(connection.protocolVersion, refusal('token-revoked'));
    await closeConnection(context, connection.address, connection, [], end);
  });
}

function isTarget(bearer: Bearer, target: RevocationTarget): boolean {
  switch (target.kind) {
    case 'token':
      return bearer.tokenId === target.tokenId;
    case 'subject':
      return bearer.subject === target.subject;
    case 'client':
      return bearer.clientId === target.clientId;
    case 'tenant':
      return true;
  }
}
