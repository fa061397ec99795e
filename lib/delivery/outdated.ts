import type { Context } from '../core/context.ts';
import type { ClientKey, QueueEntry } from '../core/model.ts';
import { noteDropped } from './dropped.ts';
import { isExpired } from './post.ts';

/** Whether the entry has waited longer than the client's quota `queueSeconds`. */
export function isOverdue({ dropAtMs }: QueueEntry, nowMs: number): boolean {
  return dropAtMs !== undefined && dropAtMs <= nowMs;
}

/** Notes queue entries that are deleted unsent because their time is over. */
export function noteOutdated(context: Context, key: ClientKey, entries: readonly QueueEntry[]): void {
  const nowMs = context.clock.nowMs();
  const expired = entries.filter(({ message }) => isExpired(message, nowMs));
  const overdue = entries.filter((entry) => !expired.includes(entry));
  noteDropped(context, key, 'message-expired', expired);
  noteDropped(context, key, 'message-overdue', overdue);
}
