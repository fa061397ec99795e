import type { Message } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { scoped } from './keys.ts';

/** Payload bytes that a process keeps at most. */
const maxBytes = 8 * 1_048_576;
/** What a message takes besides its payload, roughly. */
const overheadBytes = 512;

/** Shared messages that this process has seen lately. A message never changes, so what is here is right for ever. */
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
