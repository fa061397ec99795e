import type { Context } from '../core/context.ts';
import type { Message, Subscription, TenantLive } from '../core/model.ts';
import type { AudiencePage } from '../core/store-ports/subscriptions.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { candidateFilters } from '../topics/index.ts';
import { type Share, splitShares } from './targets.ts';

/** Who gets the messages of one topic. */
export interface Audience {
  /** Subscriptions of clients for themselves: all of them, unless `queued` is there. */
  readonly ordinary: readonly Subscription[];
  /** Of a share with many members, some of them. */
  readonly shares: readonly Share[];
  /** The audience is served by the fan-out queue. */
  readonly queued?: QueuedAudience;
}

export interface QueuedAudience {
  /** Filters with subscribers. */
  readonly filters: readonly string[];
  /** Until when the topic is known to go through the queue, ms since 1970. */
  readonly markedUntilMs?: number;
}

interface Matched {
  readonly filter: string;
  readonly page: AudiencePage;
}

/**
 * Finds the subscriptions that match each topic [MQTT-3.3.2-3 v5] by tuple-space search: one Query for every shape of fitting length,
 * whatever the number of subscriptions. All Queries of a batch of messages run side by side, and a filter that
 * several topics share is read once.
 *
 * QoS 1 and 2 messages read consistently: whoever has a SUBACK gets them, now or when the session resumes [MQTT-4.5.0-1
 * v3+v5, MQTT-3.1.2-5 v3]. No other topic than one that the filter matches is sent [MQTT-3.3.2-3 v3+v5]. QoS 0 reads cost half and may miss a
 * subscription of the last moment.
 *
 * An audience of more than `inlineAudience` subscriptions is read no further: it is for the fan-out queue. So is one whose
 * topic has lately gone through the queue, or a later message would overtake an earlier one.
 */
export async function findAudiences(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
): Promise<Map<string, Audience>> {
  const consistent = messages.some((message) => message.qos > 0);
  const filtersByTopic = new Map<string, string[]>();
  for (const { topic } of messages)
    if (!filtersByTopic.has(topic)) filtersByTopic.set(topic, candidateFilters(live.shapes, topic));

  const filters = [...new Set([...filtersByTopic.values()].flat())];
  // One more than is served at once shows that there are more.
  const limit = context.settings.inlineAudience + 1;
  const pages = await Promise.all(
    filters.map((filter) => context.subscriptions.audience(tenant, filter, { consistent, limit })),
  );
  const byFilter = new Map(filters.map((filter, index) => [filter, pages[index]]));
  const audiences = new Map<string, Audience>();
  let inline = 0;
  for (const [topic, candidates] of filtersByTopic) {
    const matched = candidates.map((filter) => ({ filter, page: byFilter.get(filter) ?? nobody }));
    const audience = await audienceOf(context, tenant, topic, matched, consistent, inline);
    if (audience.queued === undefined) inline += audience.ordinary.length;
    audiences.set(topic, audience);
  }
  return audiences;
}

const nobody: AudiencePage = { subscriptions: [], more: false };

async function audienceOf(
  context: Context,
  tenant: TenantId,
  topic: string,
  matched: readonly Matched[],
  consistent: boolean,
  inlineBefore: number,
): Promise<Audience> {
  const { inlineAudience, maxInlineDeliveries } = context.settings;
  const split = splitShares(matched.flatMap(({ page }) => page.subscriptions));
  const shares = matched.some(({ page }) => page.more)
    ? await allShares(context, tenant, matched, consistent)
    : split.shares;
  const { ordinary } = split;

  const mark = matched.find(({ filter }) => filter === topic)?.page.queuedUntilMs;
  const isLarge =
    ordinary.length > inlineAudience ||
    (ordinary.length > 0 && inlineBefore + ordinary.length > maxInlineDeliveries);
  // Near the bound, a read that may be old is not enough to know that nothing waits in the queue.
  const isNear = !isLarge && mark === undefined && !consistent && ordinary.length > inlineAudience / 2;
  const markedUntilMs = isNear ? await context.subscriptions.queuedUntilMs(tenant, topic) : mark;
  const isMarked = markedUntilMs !== undefined && markedUntilMs > context.clock.nowMs();
  if (!isLarge && !(isMarked && ordinary.length > 0)) return { ordinary, shares };
  const filters = matched
    .filter(({ page }) => page.subscriptions.some(({ shareName }) => shareName === undefined))
    .map(({ filter }) => filter);
  return {
    ordinary,
    shares,
    queued: { filters, ...(markedUntilMs === undefined ? {} : { markedUntilMs }) },
  };
}

/** Shares of all filters, where the first page of some has not shown all. */
async function allShares(
  context: Context,
  tenant: TenantId,
  matched: readonly Matched[],
  consistent: boolean,
): Promise<readonly Share[]> {
  const perShare = context.settings.shareSample;
  const members = await Promise.all(
    matched.map(({ filter, page }) =>
      page.more
        ? context.subscriptions.shareMembers(tenant, filter, { perShare, consistent })
        : page.subscriptions,
    ),
  );
  return splitShares(members.flat()).shares;
}
