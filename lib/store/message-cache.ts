import type { Message } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { scoped } from './keys.ts';

/** Size of the cache, in bytes. */
const maxBytes = 8 * 1_048_576;
/** Estimated size of a message without its payload, in bytes. */
const overheadBytes = 512;

/**
 * LRU-by-insertion cache of shared messages. Messages are immutable, so entries never become stale.
 */
export class MessageCache {
  readonly #messages = new Map<string, Message>();
  #bytes = 0;

  get(tenant: TenantId, id: string): Message | undefined {
    return this.#messages.get(scoped(tenant, id));
  }

  set(tenant: TenantId, message: Message): void {
    const key = scoped(tenant, message.id);
    if (this.#messages.has(key)) return;
    this.#messages.set(key, message);
    this.#bytes += sizeOf(message);
    for (const [oldest, old] of this.#messages) {
      if (this.#bytes <= maxBytes) break;
      this.#messages.delete(oldest);
      this.#bytes -= sizeOf(old);
    }
  }
}

function sizeOf(message: Message): number {
  return message.payload.length + overheadBytes;
}
