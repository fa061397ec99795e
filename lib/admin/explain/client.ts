import { maySubscribe } from '../../auth/index.ts';
import { hasEnded } from '../../core/session-rules.ts';
import type { TenantId } from '../../core/tenant-id.ts';
import { matches } from '../../topics/index.ts';
import type { AdminContext } from '../context.ts';
import { type Finding, type FindingCode, finding } from './findings.ts';
import { type NearFilter, nearestFilters } from './nearest.ts';
import { type Imagined, type Recipient, recipientOf } from './recipient.ts';

/** Whether one client gets a message, and why not. */
export interface ClientAnswer {
  readonly clientId: string;
  readonly receives: 'yes' | 'later' | 'perhaps' | 'no';
  /** Why no subscription of the client matches, and whether it is banned. */
  readonly findings: readonly Finding[];
  /** Its subscriptions that match, each with its own findings. */
  readonly subscriptions: readonly Recipient[];
  /** Where no subscription matches: those that nearly do. */
  readonly nearest: readonly NearFilter[];
}

/** Looks at one client: its session, its subscriptions, its rights and its queue. */
export async function explainClient(
  context: AdminContext,
  tenant: TenantId,
  clientId: string,
  message: Imagined,
): Promise<ClientAnswer> {
  const { topic } = message;
  const none = (codes: FindingCode[], nearest: readonly NearFilter[] = []): ClientAnswer => ({
    clientId,
    receives: 'no',
    findings: codes.map(finding),
    subscriptions: [],
    nearest,
  });
  const key = { tenant, clientId };
  const [session, ban] = await Promise.all([context.sessions.get(key), context.bans.get(key)]);
  const banned: FindingCode[] = ban === undefined ? [] : ['banned'];
  if (session === undefined || session.swept === true) return none([...banned, 'no-session']);
  if (hasEnded(session, context.clock.nowMs())) return none([...banned, 'session-expired']);
  const [connection, all] = await Promise.all([
    session.address === undefined ? undefined : context.connections.get(session.address),
    context.tenantData.subscriptionsOf(key, session.generation),
  ]);
  const matching = all.filter(({ filter }) => matches(filter, topic));
  if (matching.length === 0) {
    const mayNot = connection !== undefined && !maySubscribe(connection.permissions, topic, 0);
    const filters = all.map(({ filter }) => filter);
    const isDollar = topic.startsWith('$') && filters.some((filter) => /^[+#]/.test(filter));
    return none(
      [
        ...banned,
        all.length === 0 ? 'no-subscription' : 'no-filter',
        ...(isDollar ? (['dollar-topic'] as const) : []),
        ...(mayNot ? (['subscribe-right-missing'] as const) : []),
      ],
      nearestFilters(filters, topic),
    );
  }
  const subscriptions = await Promise.all(
    matching.map((subscription) => recipientOf(context, tenant, subscription, session, connection, message)),
  );
  const has = (outcome: Recipient['outcome']) => subscriptions.some((one) => one.outcome === outcome);
  const receives = has('sent') ? 'yes' : has('queued') ? 'later' : has('perhaps') ? 'perhaps' : 'no';
  return { clientId, receives, findings: banned.map(finding), subscriptions, nearest: [] };
}
