import { isObject } from '../aws-json.ts';
import type { MessageAttribute } from './message.ts';
import { messageBytes } from './validate.ts';

/** Of one queue since the start. What AWS bills are `meteredRequests`, `invocations` and `billedMs`. */
export interface QueueMeters {
  /** Requests of clients, and those of an event source mapping: a receive and a delete for each batch. */
  requests: number;
  /** In increments of 64 KB of messages, a request that carries none counting as one. */
  meteredRequests: number;
  /** Functions started, and how long they ran in milliseconds. */
  invocations: number;
  billedMs: number;
}

export function createQueueMeters(): QueueMeters {
  return { requests: 0, meteredRequests: 0, invocations: 0, billedMs: 0 };
}

/** "Every 64 KB chunk of a payload is billed as 1 request" (Amazon SQS pricing). */
export const meteredRequestBytes = 65_536;

/** Counts one request with the bytes of the messages that it carries either way. */
export function countRequest(meters: QueueMeters, bytes: number): void {
  meters.requests += 1;
  meters.meteredRequests += Math.max(1, Math.ceil(bytes / meteredRequestBytes));
}

/** Bytes of the messages in a request or an answer of the protocol: SendMessage, SendMessageBatch, ReceiveMessage. */
export function carriedBytes(json: unknown): number {
  if (!isObject(json)) return 0;
  const { Entries, Messages } = json;
  const messages = [json, ...(Array.isArray(Entries) ? Entries : Array.isArray(Messages) ? Messages : [])];
  return messages.reduce<number>((total, message) => total + bytesOf(message), 0);
}

function bytesOf(message: unknown): number {
  if (!isObject(message)) return 0;
  const body = message.MessageBody ?? message.Body;
  const attributes = message.MessageAttributes;
  if (typeof body !== 'string') return 0;
  if (!isObject(attributes)) return messageBytes({ body });
  return messageBytes({ body, messageAttributes: attributes as Readonly<Record<string, MessageAttribute>> });
}
