import type { Subscription } from '../core/model.ts';
import { hasEnded } from '../core/session-rules.ts';
import { Problem } from '../http/problem.ts';
import { parameter } from '../http/read.ts';
import { candidateFilters, validateTopicName } from '../topics/index.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import { type AdminOperation, existingTenant } from './request.ts';

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
  const limit = pageLimit(request.query);
  const live = await context.tenants.readLive(tenant, true);
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
    status: 200,
    body: {
      subscribers: found.flatMap(({ clientId, filter, shareName, qos, generation }) => {
        const session = byId.get(clientId);
        if (session === undefined || session.generation !== generation || hasEnded(session, nowMs)) return [];
        return [
          {
            clientId,
            filter: shareName === undefined ? filter : `$share/${shareName}/${filter}`,
            qos,
            online: session.address !== undefined,
          },
        ];
      }),
      ...(next === undefined ? {} : { next }),
    },
  };
};
