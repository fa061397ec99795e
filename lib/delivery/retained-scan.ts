import type { Context } from '../core/context.ts';
import type { Message, Subscription } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { matches, nextSeek, scanRange } from '../topics/index.ts';

/** The retained messages of one subscription that have not been read yet. */
export interface RetainedScan {
  readonly subscription: Subscription;
  /** First topic of the next page (UTF-8 byte order); absent: the beginning. */
  readonly from?: string;
}

export interface RetainedMatch {
  readonly subscription: Subscription;
  readonly message: Message;
}

/** Retained messages in a page of a filter with wildcards, and literal filters read together. */
const pageMessages = 100;
/** Filters with wildcards of which a page is read concurrently, of up to 1 MB each. */
const concurrentPages = 8;

/**
 * Reads the next retained messages of several subscriptions: of 100 literal filters at once, else a
 * page of each of 8 filters with wildcards. Such a filter reads the range under its literal prefix
 * and seeks past branches that cannot match.
 *
 * @returns the messages in the order of the scans, and the scans that remain.
 */
export async function readRetained(
  context: Context,
  tenant: TenantId,
  scans: readonly RetainedScan[],
): Promise<{ readonly found: readonly RetainedMatch[]; readonly rest: readonly RetainedScan[] }> {
  const literal = scans.filter(({ subscription }) => !hasWildcard(subscription.filter));
  const chosen = new Set(
    literal.length > 0 ? literal.slice(0, pageMessages) : scans.slice(0, concurrentPages),
  );
  const behind = scans.filter((scan) => !chosen.has(scan));
  if (literal.length > 0) return { found: await readLiteral(context, tenant, [...chosen]), rest: behind };
  const pages = await Promise.all([...chosen].map((scan) => readPage(context, tenant, scan)));
  return {
    found: pages.flatMap(({ found }) => found),
    rest: [...pages.flatMap(({ next }) => next ?? []), ...behind],
  };
}

function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

async function readLiteral(
  context: Context,
  tenant: TenantId,
  scans: readonly RetainedScan[],
): Promise<RetainedMatch[]> {
  const topics = scans.map(({ subscription }) => subscription.filter);
  const messages = await context.retained.getMany(tenant, topics);
  const byTopic = new Map(messages.map((message) => [message.topic, message]));
  return scans.flatMap(({ subscription }) => {
    const message = byTopic.get(subscription.filter);
    return message === undefined ? [] : [{ subscription, message }];
  });
}

async function readPage(
  context: Context,
  tenant: TenantId,
  { subscription, from }: RetainedScan,
): Promise<{ found: RetainedMatch[]; next?: RetainedScan }> {
  const { filter } = subscription;
  const { prefix } = scanRange(filter);
  const { messages, more } = await context.retained.page(tenant, prefix, from ?? prefix, pageMessages);
  const found = messages.flatMap((message) =>
    matches(filter, message.topic) ? [{ subscription, message }] : [],
  );
  const last = messages.at(-1);
  if (!more || last === undefined) return { found };
  const behind = matches(filter, last.topic) ? `${last.topic}\0` : nextSeek(filter, last.topic);
  return { found, ...(behind === undefined ? {} : { next: { subscription, from: behind } }) };
}
