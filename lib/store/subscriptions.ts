import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Subscription } from '../core/model.ts';
import type { SubscriptionStore } from '../core/store-ports/subscriptions.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, known, N, number, optionalString, S, string, ttl, version } from './attributes.ts';
import { boolean, type Fields, itemOf, maybe, modelFrom, numeric, text } from './fields.ts';
import { scoped } from './keys.ts';
import { matchedRuleFrom } from './rules.ts';
import {
  aboutHowMany,
  behindShare,
  firstMember,
  firstPosition,
  lastMember,
  positionsOf,
  queuedMark,
  ringFrom,
  ruleMark,
  sharePrefix,
  subscriptionKey,
} from './subscription-keys.ts';
import { type QueryInput, Table } from './table.ts';

/** Rows in one page of a range of positions. */
const rangePageRows = 500;
/** How long the mark of a topic is kept after its time, in seconds. */
const markTtlSeconds = 60;

/** The fields beside the filter, which is in the key. */
const subscriptionFields: Fields<Omit<Subscription, 'filter'>> = {
  clientId: text('id'),
  generation: text('generation'),
  qos: numeric('qos'),
  noLocal: boolean('noLocal'),
  retainAsPublished: boolean('asPublished'),
  subscriptionIdentifier: maybe(numeric('identifier')),
  shareName: maybe(text('share')),
};

/**
 * Table Subscriptions: `tenant/filter` / position → options (subscription-keys.ts). One Query reads
 * a filter's audience, members of shares included. A row never names a connection. It is valid only
 * while its generation is the generation of the client's session.
 * @param random chooses which members of a large share are read.
 */
export function createSubscriptionStore(
  client: DynamoDBClient,
  tableName: string,
  random: () => number,
): SubscriptionStore {
  const table = new Table(client, tableName);

  /** The first `limit` rows of a range, and whether there are more. */
  async function rows(query: QueryInput, limit: number): Promise<{ found: Item[]; more: boolean }> {
    const found: Item[] = [];
    let start: Item | undefined;
    do {
      // One more than requested tells whether there are more.
      const Limit = limit + 1 - found.length;
      const page = await table.page({
        ...query,
        Limit,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      });
      found.push(...page.items);
      start = page.next;
    } while (start !== undefined && found.length <= limit);
    return { found: found.slice(0, limit), more: found.length > limit };
  }

  /**
   * The marks of a partition, which sort first, and at least its first `limit` subscriptions. One
   * Query, unless several marks precede more than `limit` subscriptions, or a page of 1 MB ends
   * earlier.
   */
  async function firstRows(
    partition: QueryInput,
    limit: number,
  ): Promise<{ marks: Item[]; found: Item[]; more: boolean }> {
    const marks: Item[] = [];
    const found: Item[] = [];
    let start: Item | undefined;
    do {
      // One more for a mark, and one that tells whether there are more.
      const Limit = limit + 2 - found.length;
      const page = await table.page({
        ...partition,
        Limit,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      });
      for (const row of page.items) (isMark(row) ? marks : found).push(row);
      start = page.next;
    } while (start !== undefined && found.length < limit);
    return { marks, found, more: start !== undefined };
  }

  /** At most `limit` members of one share, from a random position of the ring. */
  async function someMembers(
    tenant: TenantId,
    filter: string,
    prefix: string,
    limit: number,
    consistent: boolean,
  ): Promise<Item[]> {
    const members: Item[] = [];
    for (const [from, to] of ringFrom(prefix, random())) {
      const { found } = await rows(
        between(tenant, filter, from, to, consistent),
        Math.max(0, limit - members.length),
      );
      members.push(...found);
      if (members.length >= limit) break;
    }
    return members;
  }

  return {
    async put(tenant, subscription) {
      const previous = await table.replace(itemFrom(tenant, subscription));
      return previous !== undefined && optionalString(previous, 'generation') === subscription.generation;
    },

    async putMany(tenant, subscriptions) {
      await table.putMany(subscriptions.map((subscription) => itemFrom(tenant, subscription)));
    },

    async delete(tenant, subscription) {
      return table.deleteIf(subscriptionKey(tenant, subscription), {
        condition: 'generation = :generation',
        values: { ':generation': S(subscription.generation) },
      });
    },

    async audience(tenant, filter, { consistent, limit }) {
      const { marks, found, more } = await firstRows(wholePartition(tenant, filter, consistent), limit);
      const queued = marks.find((row) => string(row, 'client') === queuedMark);
      const rules = marks.filter((row) => string(row, 'client').startsWith(ruleMark));
      const counted = found.slice(0, limit + 1);
      const last = more ? counted.at(-1) : undefined;
      const about = last === undefined ? undefined : aboutHowMany(counted.length, string(last, 'client'));
      return {
        subscriptions: found.slice(0, limit).map((row) => subscriptionFrom(row, filter)),
        rules: rules.map(matchedRuleFrom),
        ...(about === undefined ? {} : { about }),
        more: more || found.length > limit,
        ...(queued === undefined ? {} : { queuedUntilMs: number(known(queued), 'until') }),
      };
    },

    async shareMembers(tenant, filter, { perShare, consistent, shareName }) {
      const members: Item[] = [];
      const wanted = shareName === undefined ? undefined : sharePrefix(shareName);
      const end = wanted === undefined ? lastMember : behindShare(wanted);
      let from = wanted ?? firstMember;
      for (;;) {
        const { found, more } = await rows(between(tenant, filter, from, end, consistent), perShare);
        const last = more ? found.at(-1) : undefined;
        if (last === undefined) {
          members.push(...found);
          break;
        }
        const prefix = sharePrefix(string(last, 'share'));
        members.push(...found.filter((row) => sharePrefix(string(row, 'share')) !== prefix));
        members.push(...(await someMembers(tenant, filter, prefix, perShare, consistent)));
        from = behindShare(prefix);
        if (wanted !== undefined) break;
      }
      return members.map((row) => subscriptionFrom(row, filter));
    },

    async *range(tenant, filter, range, consistent) {
      const [from, to] = positionsOf(range);
      const query = { ...between(tenant, filter, from, to, consistent), Limit: rangePageRows };
      for await (const row of table.items(query))
        yield { position: string(row, 'client'), subscription: subscriptionFrom(row, filter) };
    },

    async markQueued(tenant, topic, untilMs) {
      await table.put({
        ...markKey(tenant, topic),
        v: version,
        until: N(untilMs),
        ttl: ttl(untilMs, markTtlSeconds),
      });
    },

    async queuedUntilMs(tenant, topic) {
      const mark = await table.get(markKey(tenant, topic), true);
      return mark === undefined ? undefined : number(known(mark), 'until');
    },
  };
}

function itemFrom(tenant: TenantId, subscription: Subscription): Item {
  return { ...subscriptionKey(tenant, subscription), ...itemOf(subscriptionFields, subscription) };
}

export function markKey(tenant: TenantId, topic: string): Item {
  return { filter: S(scoped(tenant, topic)), client: S(queuedMark) };
}

/** Whether a row is no subscription: of a kind that this release knows, or of a later one. */
function isMark(row: Item): boolean {
  return string(row, 'client') < firstPosition;
}

function wholePartition(tenant: TenantId, filter: string, consistent: boolean): QueryInput {
  return {
    KeyConditionExpression: '#filter = :filter',
    ExpressionAttributeNames: { '#filter': 'filter' },
    ExpressionAttributeValues: { ':filter': S(scoped(tenant, filter)) },
    ConsistentRead: consistent,
  };
}

/** All rows of a partition without the marks: subscriptions of clients and members of shares. */
export function subscribersQuery(tenant: TenantId, filter: string, consistent: boolean): QueryInput {
  return between(tenant, filter, firstPosition, lastMember, consistent);
}

function between(
  tenant: TenantId,
  filter: string,
  from: string,
  to: string,
  consistent: boolean,
): QueryInput {
  return {
    KeyConditionExpression: '#filter = :filter AND client BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#filter': 'filter' },
    ExpressionAttributeValues: { ':filter': S(scoped(tenant, filter)), ':from': S(from), ':to': S(to) },
    ConsistentRead: consistent,
  };
}

/** @throws ItemFormatError when the row is unreadable. */
export function subscriptionFrom(stored: Item, filter: string): Subscription {
  return { ...modelFrom(subscriptionFields, stored), filter };
}
