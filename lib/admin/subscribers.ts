import type { Session, Subscription, TenantLive } from '../core/model.ts';
import { hasEnded } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { Problem } from '../http/problem.ts';
import { parameter } from '../http/read.ts';
import { candidateFilters, validateTopicName } from '../topics/index.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminCall, type AdminOperation, existingTenant } from './request.ts';

/**
 * The subscribers of a topic, by filter. Lists all members of a share, although only one of them
 * gets a message.
 */
export const listSubscribers: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = await existingTenant(call);
  const topic = parameter(request.query, 'topic');
  const flaw = validateTopicName(topic);
  if (flaw !== undefined) throw new Problem(flaw.code);
  const live = await context.tenants.readLive(tenant, true);
  const { found, next } = await subscriberPage(call, tenant, live, topic);
  return {
    status: 200,
    body: {
      subscribers: found.map(({ subscription: { clientId, filter, shareName, qos }, session }) => ({
        clientId,
        filter: shareName === undefined ? filter : `$share/${shareName}/${filter}`,
        qos,
        online: session.address !== undefined,
      })),
      ...(next === undefined ? {} : { next }),
    },
  };
};

/** Subscriptions that match a topic, with their sessions. */
interface SubscriberPage {
  readonly found: readonly { readonly subscription: Subscription; readonly session: Session }[];
  /** `next` of the answer; absent: this is the last page. */
  readonly next?: string;
}

/**
 * A page of the subscriptions that match a topic, by filter, as `?limit=` and `?page=` ask for it.
 * Those of ended sessions are left out, so a page may have fewer.
 */
export async function subscriberPage(
  { context, request }: AdminCall,
  tenant: TenantId,
  live: TenantLive | undefined,
  topic: string,
): Promise<SubscriberPage> {
  const limit = pageLimit(request.query);
  const filters = candidateFilters(live?.shapes ?? [], topic, live?.dollarApart).sort();
  const [startFilter = '', startAfter] = pageStart(request.query, 2) ?? [];

  const found: Subscription[] = [];
  let next: string | undefined;
  for (const filter of filters.filter((candidate) => candidate >= startFilter)) {
    if (found.length >= limit) {
      next = pageToken(filter, '');
      break;
    }
    const after = filter === startFilter && startAfter !== '' ? startAfter : undefined;
    const page = await context.tenantData.subscribers(tenant, filter, after, limit - found.length);
    found.push(...page.subscriptions);
    if (page.next === undefined) continue;
    next = pageToken(filter, page.next);
    break;
  }

  const clientIds = [...new Set(found.map(({ clientId }) => clientId))];
  const sessions = await context.tenantData.sessions(tenant, clientIds);
  const byId = new Map(sessions.map((session) => [session.clientId, session]));
  const nowMs = context.clock.nowMs();
  return {
    found: found.flatMap((subscription) => {
      const session = byId.get(subscription.clientId);
      if (session?.generation !== subscription.generation || hasEnded(session, nowMs)) return [];
      return [{ subscription, session }];
    }),
    ...(next === undefined ? {} : { next }),
  };
}
