import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey } from '../core/model.ts';
import { mayLog } from '../limits/rare-log.ts';

/**
 * Counts messages that a full queue drops, and logs them once per client and minute in each
 * process. The publisher's acknowledgement says success, so nobody else tells of the loss.
 */
export function reportDropped(context: Context, { tenant, clientId }: ClientKey, dropped: number): void {
  context.log.count(metrics.messagesDroppedQueueFull, dropped);
  if (!mayLog(context, `${tenant}/${clientId} queue-full`)) return;
  context.log.warn('messages dropped: the queue of the session is full', { tenant, clientId, dropped });
}
