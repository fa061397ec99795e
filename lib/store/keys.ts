import type { ClientKey } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';

/** A tenant name holds no `/`, so the first one ends it: no client id or filter can reach into another tenant. */
export function scoped(tenant: TenantId, name: string): string {
  return `${tenant}/${name}`;
}

export function sessionKey(key: ClientKey): string {
  return scoped(key.tenant, key.clientId);
}

/**
 * 32-bit FNV-1a of a text's UTF-8 bytes, mixed, as 8 hex digits. In front of a client id it spreads one filter's audience
 * evenly over ranges that workers can read side by side.
 */
export function spreadHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) {
    hash ^= byte;
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV-1a leaves the high bits of short inputs poorly mixed, and ranges are cut by the high bits.
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0).toString(16).padStart(8, '0');
}
