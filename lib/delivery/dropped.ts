import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, Message } from '../core/model.ts';
import { noteRefusal } from '../limits/refusals.ts';

const counters = {
  'client-queue-full': metrics.messagesDroppedQueueFull,
  'client-packet-too-large': metrics.messagesDroppedTooLarge,
  'client-unreachable': undefined,
  'client-offline': undefined,
  'message-expired': metrics.messagesExpired,
  'message-overdue': metrics.messagesExpired,
  'item-format': metrics.messagesDroppedUnreadable,
  'item-version': metrics.messagesDroppedUnreadable,
} as const;

/**
 * Notes messages that a client does not get. The publisher's acknowledgement says success, so
 * nobody else tells of the loss.
 *
 * @param messages in their order; of several the log names the topic of the first.
 */
export function noteDropped(
  context: Context,
  { tenant, clientId }: ClientKey,
  code: keyof typeof counters,
  messages: readonly { readonly message: Pick<Message, 'topic'> }[],
): void {
  const [first] = messages;
  if (first === undefined) return;
  const counter = counters[code];
  const count = messages.length;
  if (counter !== undefined) context.log.count(counter, count);
  const isUsual = code === 'client-offline';
  const { topic } = first.message;
  noteRefusal(context, { code, what: 'delivery', tenant, clientId, topic, count, isUsual });
}
