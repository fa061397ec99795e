import type { Context } from '../core/context.ts';
import type { Message } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { RetainedScan } from '../core/timers.ts';
import { matches, nextSeek, scanRange } from '../topics/index.ts';

export interface RetainedMatch {
  readonly scan: RetainedScan;
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
  const literal = scans.filter(({ filter }) => !hasWildcard(filter));
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
  const topics = scans.map(({ filter }) => filter);
  const messages = await context.retained.getMany(tenant, topics);
  const byTopic = new Map(messages.map((message) => [message.topic, message]));
  return scans.flatMap((scan) => {
    const message = byTopic.get(scan.filter);
    return message === undefined ? [] : [{ scan, message }];
  });
}

async function readPage(
  context: Context,
  tenant: TenantId,
  scan: RetainedScan,
): Promise<{ found: RetainedMatch[]; next?: RetainedScan }> {
  const { filter, from } = scan;
  const { prefix } = scanRange(filter);
  const { messages, more } = await context.retained.page(tenant, prefix, from ?? prefix, pageMessages);
  const found = messages.flatMap((message) => (matches(filter, message.topic) ? [{ scan, message }] : []));
  const last = messages.at(-1);
  if (!more || last === undefined) return { found };
  const behind = matches(filter, last.topic) ? `${last.topic}\0` : nextSeek(filter, last.topic);
  return { found, ...(behind === undefined ? {} : { next: { ...scan, from: behind } }) };
}
