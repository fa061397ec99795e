import { concurrently } from '../core/concurrently.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, RevocationTarget, TenantLive } from '../core/model.ts';
import type { Timer } from '../core/ports.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { reasonCodes } from '../mqtt/index.ts';
import { closeConnection } from './close-connection.ts';
import { endWith, type Refusal } from './outcome.ts';

/** What a token may be revoked by, once it is known which client uses it. */
export interface Bearer {
  readonly tenant: TenantId;
  readonly clientId?: string;
  readonly subject?: string;
  readonly tokenId?: string;
  /** `iat` in seconds since 1970. */
  readonly issuedAtSeconds?: number;
}

export function bearerOf(connection: Connection): Bearer {
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
 * Whether a token has been revoked. A token issued after the tenant's latest revocation cannot be, so for most nothing
 * is read; for others one BatchGetItem of at most 4 keys. `iat` counts in whole seconds: a token issued in the second of
 * a revocation, before or after it, is revoked.
 */
export async function isRevoked(
  context: Context,
  { revokedAtMs }: Pick<TenantLive, 'revokedAtMs'>,
  bearer: Bearer,
): Promise<boolean> {
  if (revokedAtMs === undefined || issuedAfter(bearer, revokedAtMs)) return false;
  const latestMs = await context.revocations.latest(bearer.tenant, targetsOf(bearer));
  return latestMs !== undefined && !issuedAfter(bearer, latestMs);
}

function issuedAfter({ issuedAtSeconds }: Bearer, timeMs: number): boolean {
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
 * Checks a live connection once for each change of {@link TenantLive.revokedAtMs}, which its frames read anyway, and
 * notes it in the connection's row.
 */
export async function wasRevoked(
  context: Context,
  connection: Connection,
  live: TenantLive,
): Promise<boolean> {
  const { revokedAtMs } = live;
  if (revokedAtMs === undefined || (connection.revocationsSeenMs ?? 0) >= revokedAtMs) return false;
  const bearer = bearerOf(connection);
  if (issuedAfter(bearer, revokedAtMs)) return false;
  if (await isRevoked(context, live, bearer)) return true;
  await context.connections.setRevocationsSeen(connection.address, revokedAtMs);
  return false;
}

/** A revoked connection ends with 0x87, its Will published. */
export const tokenRevoked: Refusal = {
  code: 'token-revoked',
  message: 'the token has been revoked',
  reasonCode: reasonCodes.notAuthorized.code,
};

/**
 * How long after a revocation the tenant's clients are looked through once more, in milliseconds: a CONNECT that was
 * under way (a function runs for at most 30 s) may have passed its check before and shown itself only after.
 */
const secondRoundMs = 35_000;

/**
 * Revokes the tokens of `target` that were issued up to now; those issued later hold. No CONNECT or AUTH succeeds with
 * them from then on, and every frame of a live connection is refused as soon as it sees the tenant's raised row: at once,
 * or after the moment by which DynamoDB's eventually consistent reads lag (usually below a second). Connections that only
 * listen are looked for by timers: at once, at about {@link clientsPerPage} clients for three round trips, and again
 * after 35 seconds.
 *
 * @param options.keepSeconds how long tokens that are out may live: the revocation is forgotten then. Default: never.
 * @returns the time up to which tokens issued are revoked (ms since 1970); undefined where there is no such tenant.
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
    context.timers.schedule(timer, atMs + secondRoundMs),
  ]);
  return atMs;
}

const clientsPerPage = 100;
/** Pages that one invocation looks through before it leaves the rest to the next. */
const pagesPerInvocation = 50;
/** Connections that are ended side by side. */
const maxConcurrentEnds = 10;

/**
 * Ends the live connections that a revocation concerns. Repeats itself by timer until all of the tenant's clients have
 * been looked at; an invocation that comes twice does no harm.
 */
export async function endRevoked(
  context: Context,
  timer: Extract<Timer, { kind: 'revocation' }>,
): Promise<void> {
  const { tenant, target } = timer;
  if (target.kind === 'client') {
    const session = await context.sessions.get({ tenant, clientId: target.clientId });
    if (session?.address !== undefined) await endThose(context, timer, [session.address]);
    return;
  }
  let after = timer.after;
  for (let page = 0; page < pagesPerInvocation; page += 1) {
    const { clientIds, more } = await context.tenantData.clientIds(tenant, after, clientsPerPage);
    const sessions = await context.tenantData.sessions(tenant, clientIds);
    await endThose(
      context,
      timer,
      sessions.flatMap(({ address }) => address ?? []),
    );
    after = clientIds.at(-1);
    if (!more || after === undefined) return;
  }
  await context.timers.schedule(
    { ...timer, ...(after === undefined ? {} : { after }) },
    context.clock.nowMs(),
  );
}

async function endThose(
  context: Context,
  { target, atMs }: Extract<Timer, { kind: 'revocation' }>,
  addresses: readonly Connection['address'][],
): Promise<void> {
  const connections = await context.connections.getMany(addresses);
  const revoked = connections.filter((connection) => {
    const bearer = bearerOf(connection);
    return !issuedAfter(bearer, atMs) && isMeant(bearer, target);
  });
  await concurrently(revoked, maxConcurrentEnds, async (connection) => {
    context.log.count(metrics.connectionsRevoked);
    await closeConnection(
      context,
      connection.address,
      connection,
      [],
      endWith(connection.protocolVersion, tokenRevoked),
    );
  });
}

function isMeant(bearer: Bearer, target: RevocationTarget): boolean {
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
