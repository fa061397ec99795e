import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey } from '../core/model.ts';

/** A client's full queue is logged once in this time. */
const logIntervalMs = 60_000;
/** Clients whose last log line is known. When there are more, all are forgotten. */
const maxClients = 10_000;

/** When each client's full queue was last logged, in ms since 1970, by process. */
const loggedAtMs = new WeakMap<Context, Map<string, number>>();

/**
 * Counts messages that a full queue drops, and logs them once per client and minute in each
 * process. The publisher's acknowledgement says success, so nobody else tells of the loss.
 */
export function reportDropped(context: Context, key: ClientKey, dropped: number): void {
  context.log.count(metrics.messagesDroppedQueueFull, dropped);
  const clients = loggedAtMs.get(context) ?? new Map<string, number>();
  loggedAtMs.set(context, clients);
  const { tenant, clientId } = key;
  const name = `${tenant}/${clientId}`;
  const nowMs = context.clock.nowMs();
  if (nowMs - (clients.get(name) ?? Number.NEGATIVE_INFINITY) < logIntervalMs) return;
  if (clients.size >= maxClients) clients.clear();
  clients.set(name, nowMs);
  context.log.warn('messages dropped: the queue of the session is full', { tenant, clientId, dropped });
}
