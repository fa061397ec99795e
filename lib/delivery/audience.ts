import type { TenantId } from '../auth/tenant-id.ts';
import type { Context } from '../broker/context.ts';
import type { Message, Subscription, TenantLive } from '../broker/model.ts';
import { candidateFilters } from '../topics/index.ts';

/**
 * Finds the subscriptions that match each topic [MQTT-3.3.2-3 v5] by tuple-space search: one Query for every shape of fitting length,
 * whatever the number of subscriptions. All Queries of a batch of messages run side by side, and a filter that
 * several topics share is read once.
 *
 * QoS 1 and 2 messages read consistently: whoever has a SUBACK gets them, now or when the session resumes [MQTT-4.5.0-1
 * v3+v5, MQTT-3.1.2-5 v3]. No other topic than one that the filter matches is sent [MQTT-3.3.2-3 v3+v5]. QoS 0 reads cost half and may miss a
 * subscription of the last moment.
 */
export async function findAudiences(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
): Promise<Map<string, Subscription[]>> {
  const consistent = messages.some((message) => message.qos > 0);
  const filtersByTopic = new Map<string, string[]>();
  for (const { topic } of messages)
    if (!filtersByTopic.has(topic)) filtersByTopic.set(topic, candidateFilters(live.shapes, topic));

  const filters = [...new Set([...filtersByTopic.values()].flat())];
  const found = await Promise.all(
    filters.map((filter) => context.subscriptions.audience(tenant, filter, consistent)),
  );
  const byFilter = new Map(filters.map((filter, index) => [filter, found[index] ?? []]));
  return new Map(
    [...filtersByTopic].map(([topic, candidates]) => [
      topic,
      candidates.flatMap((filter) => byFilter.get(filter) ?? []),
    ]),
  );
}
