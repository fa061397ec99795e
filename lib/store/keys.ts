import type { ClientKey } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';

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
