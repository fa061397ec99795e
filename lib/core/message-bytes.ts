import type { Message } from './model.ts';

/** Bytes of a message as quotas, usage and the choice of how to keep it count them: topic and payload. */
export function messageBytes(message: Pick<Message, 'topic' | 'payload'>): number {
  return Buffer.byteLength(message.topic) + message.payload.length;
}
