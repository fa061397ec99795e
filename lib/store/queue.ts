import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey, ConnectionAddress, Message, QueueEntry } from '../broker/model.ts';
import { maxPacketIdentifier, packetIdentifierOf } from '../broker/packet-identifier.ts';
import type { MessageStore, QueueStore } from '../broker/ports.ts';
import {
  flag,
  type Item,
  item,
  known,
  N,
  number,
  optional,
  optionalNumber,
  optionalString,
  S,
  string,
  version,
} from './attributes.ts';
import { sessionKey } from './keys.ts';
import { messageAttributes, messageFrom } from './message-item.ts';
import { kinds } from './session-item.ts';
import { prefixQuery, rowKey } from './sessions.ts';
import { Table } from './table.ts';

/** How long the first delivery of a QoS 2 message stays known, after which no publisher tries again. */
const ownedTtlSeconds = 7 * 86_400;
const queuePrefix = 'q#';

/**
 * The outbound queue in table Sessions: `tenant/clientId` / `q#` + packet identifier. Packet identifiers go round,
 * so the oldest entry is the first one behind the newest, counted round the circle.
 *
 * An entry holds its message, or names one in table Messages that many queues share. That one is kept for longer than
 * any session whose entries may name it lives offline; an entry whose message is gone all the same can never be sent,
 * and is deleted when it is listed.
 */
export function queueStore(
  client: DynamoDBClient,
  tableName: string,
  messages: Pick<MessageStore, 'get'>,
  nowMs: () => number,
): QueueStore {
  const table = new Table(client, tableName);

  /** Entries of one client's rows; those whose message is gone are deleted and left out. */
  async function entriesFrom(key: ClientKey, rows: readonly Item[]): Promise<QueueEntry[]> {
    const named = rows.filter(namesMessage).map((row) => string(row, 'id'));
    const shared = named.length === 0 ? new Map<string, Message>() : await messages.get(key.tenant, named);
    const entries = rows.map((row) => entryFrom(row, shared));
    const lost = rows.filter((_, index) => entries[index] === undefined);
    await table.writeMany(lost.map((row) => ({ DeleteRequest: { Key: rowKey(key, string(row, 'kind')) } })));
    return entries.filter((entry) => entry !== undefined);
  }

  return {
    async put(key, entries) {
      const stored = await Promise.all(
        entries.map((entry) =>
          table.putIf(entryItem(key, entry), {
            // The same entry again is the client's retry of a write whose answer was lost.
            condition: 'attribute_not_exists(kind) OR (seq = :seq AND generation = :generation AND id = :id)',
            values: {
              ':seq': N(entry.sequence),
              ':generation': S(entry.generation),
              ':id': S(entry.message.id),
            },
          }),
        ),
      );
      return entries.filter((_, index) => stored[index] === false);
    },

    async list(key, newestSequence, limit) {
      const found: QueueEntry[] = [];
      let more = false;
      for (const [from, to] of identifiersUpTo(newestSequence)) {
        let start: Item | undefined;
        do {
          more = found.length >= limit;
          if (more) break;
          const Limit = limit - found.length;
          const page = await table.page({
            ...rangeQuery(key, kinds.queued(from), kinds.queued(to)),
            Limit,
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          });
          const entries = await entriesFrom(key, page.items);
          found.push(...entries.filter((entry) => entry.sequence <= newestSequence));
          start = page.next;
          // Only the bound of 1 MB cuts a page shorter than its limit.
          more = start !== undefined && page.items.length < Limit && found.length > 0;
        } while (start !== undefined && !more);
        if (more) break;
      }
      return { entries: found.sort((one, other) => one.sequence - other.sequence), more };
    },

    async get(key, packetIdentifier) {
      const found = await table.get(rowKey(key, kinds.queued(packetIdentifier)), true);
      return found === undefined ? undefined : (await entriesFrom(key, [found]))[0];
    },

    async count(key, limit) {
      let count = 0;
      let start: Item | undefined;
      do {
        const page = await table.page({
          ...prefixQuery(key, queuePrefix),
          Select: 'COUNT',
          Limit: limit - count,
          ...(start === undefined ? {} : { ExclusiveStartKey: start }),
        });
        count += page.count;
        start = page.next;
      } while (start !== undefined && count < limit);
      return count;
    },

    async deleteWhere(key, isUnwanted) {
      const rows: Item[] = [];
      for await (const row of table.items(prefixQuery(key, queuePrefix))) rows.push(row);
      const unwanted = (await entriesFrom(key, rows)).filter(isUnwanted);
      await table.writeMany(unwanted.map((entry) => deletionOf(key, entry.packetIdentifier)));
    },

    async delete(key, packetIdentifiers) {
      const [only] = packetIdentifiers;
      if (packetIdentifiers.length === 1 && only !== undefined) {
        await table.delete(rowKey(key, kinds.queued(only)));
        return;
      }
      await table.writeMany(packetIdentifiers.map((identifier) => deletionOf(key, identifier)));
    },

    async release(key, packetIdentifier) {
      const updated = await table.update(rowKey(key, kinds.queued(packetIdentifier)), {
        update: 'SET released = :true, body = :empty REMOVE props',
        condition: 'attribute_exists(kind) AND qos = :two',
        values: { ':true': { BOOL: true }, ':two': N(2), ':empty': { B: new Uint8Array(0) } },
      });
      return updated !== undefined;
    },

    async own(key, generation, messageId, sequence) {
      const owned = await table.putIf(
        {
          ...rowKey(key, kinds.owned(messageId)),
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
      const owner = await table.get(rowKey(key, kinds.owned(messageId)), true);
      return owner === undefined ? sequence : number(owner, 'seq');
    },

    async sweep(key, generation, handOver) {
      const stale: Item[] = [];
      const sharedRows: Item[] = [];
      // One range for `m#`, `q#` and `r#`: nothing else sorts between them.
      for await (const row of table.items(rangeQuery(key, 'm#', 'r$'))) {
        if (optionalString(row, 'generation') !== generation) continue;
        stale.push(rowKey(key, string(row, 'kind')));
        if (row.share !== undefined) sharedRows.push(row);
      }
      const shared = await entriesFrom(key, sharedRows);
      if (shared.length > 0) await handOver?.(shared.sort((one, other) => one.sequence - other.sequence));
      await table.writeMany(stale.map((staleKey) => ({ DeleteRequest: { Key: staleKey } })));
    },
  };
}

function deletionOf(key: ClientKey, packetIdentifier: number) {
  return { DeleteRequest: { Key: rowKey(key, kinds.queued(packetIdentifier)) } };
}

/**
 * Ranges of packet identifiers in the order of age. In the first round nothing lies behind the newest; later, what does is
 * the oldest, and may be followed by what has been queued since the newest was.
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

function entryItem(key: ClientKey, entry: QueueEntry): Item {
  return {
    ...rowKey(key, kinds.queued(entry.packetIdentifier)),
    v: version,
    ...(entry.byReference === true
      ? { id: S(entry.message.id), named: { BOOL: true } }
      : messageAttributes(entry.message)),
    ...item({
      seq: N(entry.sequence),
      generation: S(entry.generation),
      pushedTo: optional(entry.pushedTo, S),
      batch: optional(entry.batch?.first, N),
      share: optional(entry.share, S),
      storedAt: optional(entry.batch?.storedAtMs, N),
      qos: N(entry.qos),
      published: entry.message.qos === entry.qos ? undefined : N(entry.message.qos),
      retained: entry.retain ? { BOOL: true } : undefined,
      identifiers:
        entry.subscriptionIdentifiers.length === 0
          ? undefined
          : { L: entry.subscriptionIdentifiers.map((identifier) => N(identifier)) },
    }),
  };
}

/** Whether a row names its message. Of one that is released only the packet identifier matters. */
function namesMessage(stored: Item): boolean {
  return flag(stored, 'named') && !flag(stored, 'released');
}

function messageOf(stored: Item, shared: ReadonlyMap<string, Message>): Message | undefined {
  if (!flag(stored, 'named')) return messageFrom(stored);
  const id = string(stored, 'id');
  if (!flag(stored, 'released')) return shared.get(id);
  return { id, topic: '', payload: new Uint8Array(0), qos: 2, retain: false, properties: {} };
}

/** @returns undefined where the message that the entry names is gone. */
function entryFrom(stored: Item, shared: ReadonlyMap<string, Message>): QueueEntry | undefined {
  const sequence = number(known(stored), 'seq');
  const published = optionalNumber(stored, 'published');
  const message = messageOf(stored, shared);
  if (message === undefined) return undefined;
  const pushedTo = optionalString(stored, 'pushedTo');
  const first = optionalNumber(stored, 'batch');
  const share = optionalString(stored, 'share');
  return {
    sequence,
    packetIdentifier: packetIdentifierOf(sequence),
    released: flag(stored, 'released'),
    generation: string(stored, 'generation'),
    qos: number(stored, 'qos') === 2 ? 2 : 1,
    retain: flag(stored, 'retained'),
    subscriptionIdentifiers: (stored.identifiers?.L ?? []).map((value) => Number(value.N)),
    message: published === undefined ? message : { ...message, qos: published as Message['qos'] },
    ...(flag(stored, 'named') ? { byReference: true } : {}),
    ...(pushedTo === undefined ? {} : { pushedTo: pushedTo as ConnectionAddress }),
    ...(share === undefined ? {} : { share }),
    ...(first === undefined ? {} : { batch: { first, storedAtMs: number(stored, 'storedAt') } }),
  };
}

function rangeQuery(key: ClientKey, from: string, to: string) {
  return {
    KeyConditionExpression: '#session = :session AND kind BETWEEN :from AND :to',
    ExpressionAttributeNames: { '#session': 'session' },
    ExpressionAttributeValues: { ':session': S(sessionKey(key)), ':from': S(from), ':to': S(to) },
    ConsistentRead: true,
  };
}
