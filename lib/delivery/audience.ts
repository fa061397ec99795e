import type { Context } from '../core/context.ts';
import type { Message, Subscription, TenantLive } from '../core/model.ts';
import type { MatchedRule } from '../core/rules.ts';
import type { AudiencePage } from '../core/store-ports/subscriptions.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { candidateFilters } from '../topics/index.ts';

/** The subscriptions and rules that match one topic. */
export interface Audience {
  /** Non-shared subscriptions: all of them, unless `queued` is set. */
  readonly ordinary: readonly Subscription[];
  /** Of a large share, a sample of its members. */
  readonly shares: readonly Share[];
  /** In the order of their names. */
  readonly rules: readonly MatchedRule[];
  /** Set if the fan-out queue serves the non-shared subscriptions. */
  readonly queued?: QueuedAudience;
}

/** The members of one shared subscription: each message goes to one of them. */
export interface Share {
  /** The filter as its members subscribe to it: `$share/{name}/{filter}`. */
  readonly id: string;
  readonly name: string;
  readonly filter: string;
  readonly members: readonly Subscription[];
}

export interface QueuedAudience {
  /** Filters with subscribers. */
  readonly filters: readonly string[];
  /** About how many times as large the audience is as what was read of it, 1 or more. */
  readonly timesRead: number;
  /** Until when the topic is marked to go through the queue, in ms since 1970. */
  readonly markedUntilMs?: number;
}

interface MatchedFilter {
  readonly filter: string;
  readonly page: AudiencePage;
}

/**
 * Finds the subscriptions and rules that match each topic by tuple-space search: one Query per
 * shape of fitting length, whatever the number of subscriptions. The Queries of a batch run
 * concurrently, and a filter that matches several topics is read once.
 *
 * If the batch holds QoS 1 or 2, all reads are strongly consistent: a client that has received
 * SUBACK gets these messages, now or when its session resumes. QoS 0 reads are eventually
 * consistent, at half the cost, and may miss a new subscription.
 *
 * An audience of more than `inlineAudience` subscriptions is not read to its end: the fan-out queue
 * serves it. The queue also serves a smaller audience whose topic has lately gone through it, so
 * that no message overtakes an earlier one.
 *
 * @param runs the messages of each publisher. What a run may have served inline counts for itself,
 *   so that those of others do not send its topics to the queue.
 * [MQTT-3.3.2-3 v3+v5, MQTT-4.5.0-1 v3+v5, MQTT-3.1.2-5 v3]
 */
export async function findAudiences(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  runs: readonly (readonly Message[])[],
): Promise<Map<string, Audience>> {
  const consistent = runs.some((messages) => messages.some((message) => message.qos > 0));
  const filtersByTopic = new Map<string, string[]>();
  for (const messages of runs)
    for (const { topic } of messages)
      if (!filtersByTopic.has(topic))
        filtersByTopic.set(topic, candidateFilters(live.shapes, topic, live.dollarApart));

  const filters = [...new Set([...filtersByTopic.values()].flat())];
  // One more than is served inline shows whether the audience is larger.
  const limit = context.settings.inlineAudience + 1;
  const pages = await Promise.all(
    filters.map((filter) => context.subscriptions.audience(tenant, filter, { consistent, limit })),
  );
  const byFilter = new Map(filters.map((filter, index) => [filter, pages[index]]));
  const audiences = new Map<string, Audience>();
  for (const messages of runs) {
    let inline = 0;
    for (const topic of new Set(messages.map((message) => message.topic))) {
      let audience = audiences.get(topic);
      if (audience === undefined) {
        const candidates = filtersByTopic.get(topic) ?? [];
        const matched = candidates.map((filter) => ({
          filter,
          page: byFilter.get(filter) ?? noSubscriptions,
        }));
        audience = await audienceOf(context, tenant, topic, matched, consistent, inline);
        audiences.set(topic, audience);
      }
      if (audience.queued === undefined) inline += audience.ordinary.length;
    }
  }
  return audiences;
}

const noSubscriptions: AudiencePage = { subscriptions: [], rules: [], more: false };

async function audienceOf(
  context: Context,
  tenant: TenantId,
  topic: string,
  matched: readonly MatchedFilter[],
  consistent: boolean,
  inlineBefore: number,
): Promise<Audience> {
  const { inlineAudience, maxInlineDeliveries } = context.settings;
  const split = splitShares(matched.flatMap(({ page }) => page.subscriptions));
  const shares = matched.some(({ page }) => page.more)
    ? await readShares(context, tenant, matched, consistent)
    : split.shares;
  const { ordinary } = split;
  const rules = rulesOf(matched);

  const mark = matched.find(({ filter }) => filter === topic)?.page.queuedUntilMs;
  const isLarge =
    ordinary.length > inlineAudience ||
    (ordinary.length > 0 && inlineBefore + ordinary.length > maxInlineDeliveries);
  // Close to the bound, a stale read cannot rule out that messages of the topic wait in the queue.
  const isNear = !isLarge && mark === undefined && !consistent && ordinary.length > inlineAudience / 2;
  const markedUntilMs = isNear ? await context.subscriptions.queuedUntilMs(tenant, topic) : mark;
  const isMarked = markedUntilMs !== undefined && markedUntilMs > context.clock.nowMs();
  if (!isLarge && !(isMarked && ordinary.length > 0)) return { ordinary, shares, rules };
  const filters = matched.filter(({ page }) => ordinaryOf(page).length > 0).map(({ filter }) => filter);
  const total = matched.reduce((sum, { page }) => sum + (page.about ?? ordinaryOf(page).length), 0);
  return {
    ordinary,
    shares,
    rules,
    queued: {
      filters,
      timesRead: Math.max(1, total / ordinary.length),
      ...(markedUntilMs === undefined ? {} : { markedUntilMs }),
    },
  };
}

/** A rule has rows under two filters while its filter changes: it is one rule. */
function rulesOf(matched: readonly MatchedFilter[]): readonly MatchedRule[] {
  const rules = matched.flatMap(({ page }) => page.rules);
  if (rules.length < 2) return rules;
  const byName = new Map(rules.map((rule) => [rule.name, rule]));
  return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
}

function ordinaryOf({ subscriptions }: AudiencePage): Subscription[] {
  return subscriptions.filter(({ shareName }) => shareName === undefined);
}

/** Reads the shares of the filters whose first page was incomplete. */
async function readShares(
  context: Context,
  tenant: TenantId,
  matched: readonly MatchedFilter[],
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

/** Separates shared from ordinary subscriptions and groups the shared ones by name and filter. */
export function splitShares(subscriptions: readonly Subscription[]): {
  ordinary: Subscription[];
  shares: Share[];
} {
  const ordinary: Subscription[] = [];
  const shares = new Map<string, Share & { members: Subscription[] }>();
  for (const subscription of subscriptions) {
    const { shareName: name, filter } = subscription;
    if (name === undefined) {
      ordinary.push(subscription);
      continue;
    }
    const id = `$share/${name}/${filter}`;
    const share = shares.get(id) ?? { id, name, filter, members: [] };
    share.members.push(subscription);
    shares.set(id, share);
  }
  return { ordinary, shares: [...shares.values()] };
}
