import { isJsonObject } from '../aws-json.ts';
import { type MessageAttribute, sqsMessageBytes } from './message.ts';

/**
 * Counters of one queue since the start. AWS bills `meteredRequests`, `invocations`, `billedMs`.
 */
export interface QueueMeters {
  /** Requests of clients, and one receive and one delete per batch of an event source mapping. */
  requests: number;
  /** Requests in units of 64 KB of messages; a request without messages counts as one. */
  meteredRequests: number;
  invocations: number;
  /** Sum of the invocations' durations, each rounded up to a millisecond. */
  billedMs: number;
}

export function createQueueMeters(): QueueMeters {
  return { requests: 0, meteredRequests: 0, invocations: 0, billedMs: 0 };
}

/** "Every 64 KB chunk of a payload is billed as 1 request" (Amazon SQS pricing). */
const meteredRequestBytes = 65_536;

/** Counts one request that carries `bytes` of messages in either direction. */
export function countRequest(meters: QueueMeters, bytes: number): void {
  meters.requests += 1;
  meters.meteredRequests += Math.max(1, Math.ceil(bytes / meteredRequestBytes));
}

/**
 * Bytes of the messages in a request or response (SendMessage, SendMessageBatch, ReceiveMessage).
 */
export function carriedBytes(json: unknown): number {
  if (!isJsonObject(json)) return 0;
  const { Entries, Messages } = json;
  const messages = [json, ...(Array.isArray(Entries) ? Entries : Array.isArray(Messages) ? Messages : [])];
  return messages.reduce<number>((total, message) => total + jsonMessageBytes(message), 0);
}

function jsonMessageBytes(message: unknown): number {
  if (!isJsonObject(message)) return 0;
  const body = message.MessageBody ?? message.Body;
  const attributes = message.MessageAttributes;
  if (typeof body !== 'string') return 0;
  if (!isJsonObject(attributes)) return sqsMessageBytes({ body });
  return sqsMessageBytes({
    body,
    messageAttributes: attributes as Readonly<Record<string, MessageAttribute>>,
  });
}
