import type { Context } from '../core/context.ts';
import { messageBytes } from '../core/message-bytes.ts';
import type { Message } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Parcel } from './parcels.ts';

/** With its other attributes, a queue entry of a smaller message takes one write unit, and naming the message saves nothing. */
const worthNamingBytes = 800;

export function isWorthNaming(message: Message): boolean {
  return messageBytes(message) > worthNamingBytes;
}

/**
 * Keeps messages that several queues are to hold once for all of them, while the entries are being numbered. What a write
 * unit holds is kept in each queue instead.
 */
export function keepLargeOnce(
  context: Context,
  tenant: TenantId,
  parcels: readonly Parcel[],
): readonly Parcel[] {
  const copies = new Map<Message, number>();
  for (const { queued } of parcels)
    for (const { message } of queued)
      if (isWorthNaming(message)) copies.set(message, (copies.get(message) ?? 0) + 1);
  const kept = new Map<Message, Promise<void>>();
  for (const [message, count] of copies) if (count > 1) kept.set(message, keep(context, tenant, message));
  return kept.size === 0 ? parcels : parcels.map((parcel) => withKept(parcel, kept));
}

/** The parcel with entries that may name the messages that are kept. */
export function withKept(parcel: Parcel, kept: ReadonlyMap<Message, Promise<void>>): Parcel {
  return {
    ...parcel,
    queued: parcel.queued.map((queueable) => {
      const keeping = kept.get(queueable.message);
      return keeping === undefined ? queueable : { ...queueable, kept: keeping };
    }),
  };
}

function keep(context: Context, tenant: TenantId, message: Message): Promise<void> {
  const keeping = context.messages.put(tenant, [message], context.settings.sharedMessageSeconds);
  // Whoever needs it awaits it; if no session is there any more, nobody does.
  keeping.catch(() => undefined);
  return keeping;
}
