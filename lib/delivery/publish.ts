import type { Context } from '../core/context.ts';
import { messageBytes } from '../core/message-bytes.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { askForRecount, recountAfterMs } from '../limits/recount.ts';
import { type DistributeOptions, distribute } from './distribute.ts';

/**
 * Publishes messages: retained ones are stored before anybody is matched, so that a new subscriber, who subscribes
 * before reading what is retained, may see a message twice but never miss it. Used for PUBLISH and for Wills.
 *
 * @returns for each message how many clients it was for.
 */
export async function publishMessages(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
  options: DistributeOptions = {},
): Promise<number[]> {
  await storeRetained(context, tenant, messages);
  return distribute(context, tenant, live, messages, options);
}

/**
 * Of several retained messages of one topic only the last is stored, with its QoS, 0 included, in place of what was there
 * [MQTT-3.3.1-5 v3+v5, MQTT-3.3.1-7 v3]; an empty payload clears and is not stored [MQTT-3.3.1-10 v3, MQTT-3.3.1-11 v3,
 * MQTT-3.3.1-6 v5, MQTT-3.3.1-7 v5]. Messages without RETAIN leave it alone [MQTT-3.3.1-12 v3, MQTT-3.3.1-8 v5]. It belongs
 * to no session [MQTT-3.1.2-7 v3].
 */
async function storeRetained(
  context: Context,
  tenant: TenantId,
  messages: readonly Message[],
): Promise<void> {
  const lastByTopic = new Map(
    messages.filter((message) => message.retain).map((message) => [message.topic, message]),
  );
  await Promise.all(
    [...lastByTopic.values()].map(async (message) => {
      const clears = message.payload.length === 0;
      const previous = clears
        ? await context.retained.delete(tenant, message.topic)
        : await context.retained.put(tenant, message);
      context.usage.count(tenant, {
        retainedMessages: (clears ? 0 : 1) - (previous === undefined ? 0 : 1),
        retainedBytes:
          (clears ? 0 : messageBytes(message)) - (previous === undefined ? 0 : messageBytes(previous)),
      });
      // What expires is deleted by DynamoDB, and counted by nobody.
      if (message.expiresAtMs !== undefined) await askForRecount(context, tenant, recountAfterMs.routine);
    }),
  );
}

/** What publishing these messages counts as in the tenant's usage. */
export function publishedUsage(messages: readonly Message[]): { messagesIn: number; bytesIn: number } {
  return {
    messagesIn: messages.length,
    bytesIn: messages.reduce((sum, message) => sum + messageBytes(message), 0),
  };
}
