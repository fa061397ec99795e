import { createHash } from 'node:crypto';
import type { ClientKey } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, S } from './attributes.ts';

/**
 * A key that begins with the tenant. A tenant name contains no `/`, so no client id or filter can
 * address another tenant's rows.
 */
export function scoped(tenant: TenantId, name: string): string {
  return `${tenant}/${name}`;
}

export function sessionKey(key: ClientKey): string {
  return scoped(key.tenant, key.clientId);
}

/**
 * 32-bit FNV-1a hash of a text's UTF-8 bytes, mixed, as 8 hex digits. As a prefix of client ids it
 * spreads a filter's audience evenly over ranges that workers read in parallel.
 */
export function spreadHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV-1a mixes the high bits of short inputs poorly, and the high bits determine the range.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0).toString(16).padStart(8, '0');
}

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
  /** Shapes that the client has added to its tenant in one hour. */
  newShapes: (hour: string) => `n#${hour}`,
  choice: (name: string) => `c#${digest(name)}`,
} as const;

/** The key of one row in a session's partition. */
export function sessionRowKey(key: ClientKey, kind: string): Item {
  return { session: S(sessionKey(key)), kind: S(kind) };
}

/** A consistent Query for all rows of a session. */
export function sessionQuery(key: ClientKey) {
  return {
    KeyConditionExpression: '#session = :session',
    ExpressionAttributeNames: { '#session': 'session' },
    ExpressionAttributeValues: { ':session': S(sessionKey(key)) },
    ConsistentRead: true,
  };
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
