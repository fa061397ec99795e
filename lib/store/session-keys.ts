import { createHash } from 'node:crypto';
import type { ClientKey } from '../core/model.ts';
import { type Item, S } from './attributes.ts';
import { sessionKey } from './keys.ts';

/**
 * Replaces names that may exceed a sort key (1,024 bytes), because they contain a filter: 132 bits
 * of SHA-256.
 */
function digest(name: string): string {
  return createHash('sha256').update(name).digest('base64url').slice(0, 22);
}

/**
 * Sort keys in table Sessions. One Query over the partition of a client reads everything a session
 * has.
 */
export const kinds = {
  session: 'session',
  will: (address: string) => `will#${address}`,
  subscription: (filter: string) => `sub#${filter}`,
  /** Zero-padded, so that entries sort by packet identifier. */
  queued: (packetIdentifier: number) => `q#${String(packetIdentifier).padStart(5, '0')}`,
  received: (packetIdentifier: number) => `r#${String(packetIdentifier).padStart(5, '0')}`,
  owned: (messageId: string) => `m#${messageId.includes('#') ? digest(messageId) : messageId}`,
  choice: (name: string) => `c#${digest(name)}`,
} as const;

/** The key of one row in a session's partition. */
export function sessionRowKey(key: ClientKey, kind: string): Item {
  return { session: S(sessionKey(key)), kind: S(kind) };
}

/** A consistent Query for the rows of a session whose kind begins with `prefix`. */
export function prefixQuery(key: ClientKey, prefix: string) {
  return {
    KeyConditionExpression: '#session = :session AND begins_with(kind, :prefix)',
    ExpressionAttributeNames: { '#session': 'session' },
    ExpressionAttributeValues: { ':session': S(sessionKey(key)), ':prefix': S(prefix) },
    ConsistentRead: true,
  };
}
