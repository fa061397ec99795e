import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey, Message, QueueEntry } from '../core/model.ts';
import { maxPacketIdentifier, packetIdentifierOf } from '../core/session-rules.ts';
import type { MessageStore } from '../core/store-ports/messages.ts';
import type { QueueStore } from '../core/store-ports/queue.ts';
import { type Item, known, N, number, optionalString, S, string, version } from './attributes.ts';
import { kinds, prefixQuery, sessionKey, sessionRowKey } from './keys.ts';
import {
  byRow,
  entryFrom,
  entryRowKey,
  maxEntriesPerRow,
  namesMessage,
  numberApart,
  numberTogether,
  rowItem,
  type StoredEntry,
  sharedSlots,
  slotAttribute,
  slotOf,
  storedEntries,
} from './queue-rows.ts';
import { Table } from './table.ts';

/** Retention of the owner of a QoS 2 message; no publisher repeats a message after that. */
const ownedTtlSeconds = 7 * 86_400;
const queuePrefix = 'q#';
/** A page has fewer rows than entries are wanted, because entries that share rows fill the rest. */
const usualEntriesPerRow = 3;
const minPageRows = 16;

/**
 * The outbound queue in table Sessions: `tenant/clientId` / `q#` + packet identifier of the row.
 * Packet identifiers wrap around, so the oldest entry is the first one behind the newest.
 *
 * Small entries that are queued together share a row: one write stores them, and one write deletes
 * those that a frame acknowledges.
 *
 * An entry holds its message or refers to one in table Messages. That message is kept longer than
 * any session with references may live offline. An entry whose message is missing can never be
 * sent, and is deleted when it is listed.
 */
export function createQueueStore(
  client: DynamoDBClient,
  tableName: string,
  messages: Pick<MessageStore, 'get'>,
  nowMs: () => number,
): QueueStore {
  const table = new Table(client, tableName);

  /** Entries of one client; those whose message is missing are deleted and left out. */
  async function entriesFrom(key: ClientKey, stored: readonly StoredEntry[]): Promise<QueueEntry[]> {
    const named = stored.filter(namesMessage).map(({ attributes }) => string(attributes, 'id'));
    const shared = named.length === 0 ? new Map<string, Message>() : await messages.get(key.tenant, named);
    const entries = stored.map((one) => entryFrom(one, shared));
    const lost = stored.filter((_, index) => entries[index] === undefined);
    await deleteEntries(
      key,
      lost.map(({ sequence }) => packetIdentifierOf(sequence)),
    );
    return entries.filter((entry) => entry !== undefined);
  }

  async function deleteEntries(key: ClientKey, packetIdentifiers: readonly number[]): Promise<void> {
    const alone = packetIdentifiers.filter((identifier) => slotOf(identifier) === 0);
    const sharing = packetIdentifiers.filter((identifier) => slotOf(identifier) !== 0);
    await Promise.all([
      deleteAlone(key, alone),
      ...byRow(sharing, (identifier) => identifier).map((row) => deleteFromRow(key, row)),
    ]);
  }

  async function deleteAlone(key: ClientKey, packetIdentifiers: readonly number[]): Promise<void> {
    const keys = packetIdentifiers.map((identifier) => entryRowKey(key, identifier));
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) await table.delete(only);
    else await table.writeMany(keys.map((Key) => ({ DeleteRequest: { Key } })));
  }

  /**
   * Clients acknowledge in order, and the last entry of a row has its last position. So deleting
   * that entry usually deletes the row, with one write. Otherwise entries are removed from the row,
   * and an empty row is deleted.
   */
  async function deleteFromRow(key: ClientKey, packetIdentifiers: readonly number[]): Promise<void> {
    const [first = 0] = packetIdentifiers;
    const rowOf = entryRowKey(key, first);
    const slots = new Set(packetIdentifiers.map(slotOf));
    if (slots.has(maxEntriesPerRow) && (await deleteIfOnly(rowOf, slots))) return;
    const left = await table.update(
      rowOf,
      {
        update: `REMOVE ${[...slots].map(slotAttribute).join(', ')}`,
        condition: 'attribute_exists(kind)',
      },
      'ALL_NEW',
    );
    if (left !== undefined && storedEntries(left).length === 0) await deleteIfOnly(rowOf, new Set());
  }

  /** Deletes a row that holds no other entries. @returns false if it does. */
  function deleteIfOnly(rowOf: Item, slots: ReadonlySet<number>): Promise<boolean> {
    const others = sharedSlots.filter((slot) => !slots.has(slot));
    if (others.length === 0) return table.delete(rowOf).then(() => true);
    const condition = others.map((slot) => `attribute_not_exists(${slotAttribute(slot)})`).join(' AND ');
    return table.deleteIf(rowOf, { condition });
  }

  async function releaseAlone(key: ClientKey, packetIdentifier: number): Promise<readonly number[]> {
    const released = await table.update(entryRowKey(key, packetIdentifier), {
      update: 'SET released = :true, body = :empty REMOVE props',
      condition: 'attribute_exists(kind) AND qos = :two',
      values: releaseValues,
    });
    return released === undefined ? [] : [packetIdentifier];
  }

  /** Releases the entries of a row with one write; if one is missing, each by itself. */
  async function releaseInRow(
    key: ClientKey,
    packetIdentifiers: readonly number[],
  ): Promise<readonly number[]> {
    const [first = 0] = packetIdentifiers;
    const names = packetIdentifiers.map((identifier) => slotAttribute(slotOf(identifier)));
    const released = await table.update(entryRowKey(key, first), {
      update:
        `SET ${names.map((name) => `${name}.released = :true, ${name}.body = :empty`).join(', ')}` +
        ` REMOVE ${names.map((name) => `${name}.props`).join(', ')}`,
      condition: names.map((name) => `${name}.qos = :two`).join(' AND '),
      values: releaseValues,
    });
    if (released !== undefined) return packetIdentifiers;
    if (packetIdentifiers.length === 1) return [];
    const each = await Promise.all(packetIdentifiers.map((identifier) => releaseInRow(key, [identifier])));
    return each.flat();
  }

  return {
    numberTogether,
    numberApart,

    async put(key, entries) {
      const rows = byRow(entries, (entry) => entry.packetIdentifier);
      const stored = await Promise.all(rows.map((row) => putRow(table, key, row)));
      return rows.filter((_, index) => stored[index] === false).flat();
    },

    async list(key, newestSequence, limit) {
      const found: QueueEntry[] = [];
      let more = false;
      for (const [from, to] of identifiersUpTo(newestSequence)) {
        let start: Item | undefined;
        do {
          more = found.length >= limit;
          if (more) break;
          const Limit = Math.max(minPageRows, Math.ceil((limit - found.length) / usualEntriesPerRow));
          const page = await table.page({
            ...rangeQuery(key, kinds.queued(from), kinds.queued(to)),
            Limit,
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          });
          const entries = await entriesFrom(key, page.items.flatMap(storedEntries));
          found.push(...entries.filter((entry) => entry.sequence <= newestSequence));
          start = page.next;
          // Only DynamoDB's limit of 1 MB makes a page shorter.
          more = start !== undefined && page.items.length < Limit && found.length > 0;
        } while (start !== undefined && !more);
        if (more) break;
      }
      const entries = found.sort((one, other) => one.sequence - other.sequence);
      return { entries: entries.slice(0, limit), more: more || entries.length > limit };
    },

    async get(key, packetIdentifier) {
      const found = await table.get(entryRowKey(key, packetIdentifier), true);
      if (found === undefined) return undefined;
      const stored = storedEntries(found).filter(
        ({ sequence }) => packetIdentifierOf(sequence) === packetIdentifier,
      );
      return (await entriesFrom(key, stored))[0];
    },

    async count(key, limit) {
      let count = 0;
      let start: Item | undefined;
      do {
        const page = await table.page({
          ...prefixQuery(key, queuePrefix),
          ProjectionExpression: countedAttributes,
          Limit: limit - count,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        });
        for (const row of page.items) count += storedEntries(row).length;
        start = page.next;
      } while (start !== undefined && count < limit);
      return Math.min(count, limit);
    },

    async deleteWhere(key, isUnwanted) {
      const stored: StoredEntry[] = [];
      for await (const row of table.items(prefixQuery(key, queuePrefix))) stored.push(...storedEntries(row));
      const unwanted = (await entriesFrom(key, stored)).filter(isUnwanted);
      await deleteEntries(
        key,
        unwanted.map((entry) => entry.packetIdentifier),
      );
      return unwanted.length;
    },

    delete: deleteEntries,

    async release(key, packetIdentifiers) {
      const rows = byRow(packetIdentifiers, (identifier) => identifier);
      const released = await Promise.all(
        rows.map(([first = 0, ...others]) =>
          slotOf(first) === 0 ? releaseAlone(key, first) : releaseInRow(key, [first, ...others]),
        ),
      );
      return new Set(released.flat());
    },

    async own(key, generation, messageId, sequence) {
      const owned = await table.putIf(
        {
          ...sessionRowKey(key, kinds.owned(messageId)),
          v: version,
          generation: S(generation),
          seq: N(sequence),
          ttl: N(Math.ceil(nowMs() / 1000) + ownedTtlSeconds),
        },
        {
          condition: 'attribute_not_exists(kind) OR generation <> :generation OR seq = :seq',
          values: { ':generation': S(generation), ':seq': N(sequence) },
        },
      );
      if (owned) return sequence;
      const owner = await table.get(sessionRowKey(key, kinds.owned(messageId)), true);
      return owner === undefined ? sequence : number(known(owner), 'seq');
    },

    async owner(key, generation, messageId) {
      const found = await table.get(sessionRowKey(key, kinds.owned(messageId)), true);
      if (found === undefined || string(known(found), 'generation') !== generation) return undefined;
      const sequence = number(found, 'seq');
      return { sequence, packetIdentifier: packetIdentifierOf(sequence) };
    },

    async sweep(key, generation, handOver) {
      const stale: Item[] = [];
      const throughShares: StoredEntry[] = [];
      // One range for `m#`, `q#` and `r#`: no other kind sorts between them.
      for await (const row of table.items(rangeQuery(key, 'm#', 'r$'))) {
        if (optionalString(row, 'generation') !== generation) continue;
        const kind = string(row, 'kind');
        stale.push(sessionRowKey(key, kind));
        if (!kind.startsWith(queuePrefix)) continue;
        throughShares.push(...storedEntries(row).filter(({ attributes }) => attributes.share !== undefined));
      }
      const shared = await entriesFrom(key, throughShares);
      if (shared.length > 0) await handOver?.(shared.sort((one, other) => one.sequence - other.sequence));
      await table.writeMany(stale.map((staleKey) => ({ DeleteRequest: { Key: staleKey } })));
    },
  };
}

const releaseValues = { ':true': { BOOL: true }, ':two': N(2), ':empty': { B: new Uint8Array(0) } };
/** Attributes that tell how many entries a row holds, without their messages. */
const countedAttributes = ['v', 'seq', ...sharedSlots.map((slot) => `${slotAttribute(slot)}.qos`)].join(', ');

/** @returns false if the row is still in use. */
function putRow(table: Table, key: ClientKey, entries: readonly QueueEntry[]): Promise<boolean> {
  const row = rowItem(key, entries);
  return table.putIf(row, {
    // The same row is the SDK's retry of a write whose answer was lost.
    condition: 'attribute_not_exists(kind) OR (seq = :seq AND generation = :generation AND id = :id)',
    values: {
      ':seq': N(number(row, 'seq')),
      ':generation': S(string(row, 'generation')),
      ':id': S(string(row, 'id')),
    },
  });
}

/**
 * Ranges of packet identifiers, oldest first. Before identifiers wrap around, there is nothing
 * behind the newest. Afterwards the identifiers behind it are the oldest; entries queued since the
 * newest may follow them.
 */
function identifiersUpTo(newestSequence: number): (readonly [from: number, to: number])[] {
  if (newestSequence <= 0) return [];
  const newest = packetIdentifierOf(newestSequence);
  const older: (readonly [number, number])[] =
    newestSequence <= maxPacketIdentifier || newest === maxPacketIdentifier
      ? []
      : [[newest + 1, maxPacketIdentifier]];
  return [...older, [1, newest]];
}

function rangeQuery(key: ClientKey, from: string, to: string) {
  return {
    KeyConditionExpression: '#session = :session AND kind BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#session': 'session' },
    ExpressionAttributeValues: { ':session': S(sessionKey(key)), ':from': S(from), ':to': S(to) },
    ConsistentRead: true,
  };
}
