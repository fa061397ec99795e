import { isDeepStrictEqual } from 'node:util';
import type { ClientKey, ConnectionAddress, Message, QueueEntry } from '../core/model.ts';
import { packetIdentifierOf } from '../core/packet-identifier.ts';
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
import { messageAttributes, messageFrom } from './message-item.ts';
import { maxEntriesPerRow, rowIdentifierOf, slotOf } from './queue-numbers.ts';
import { kinds, sessionRowKey } from './session-keys.ts';

/** Positions of a shared row, and their attributes `e1` to `e7`. */
export const sharedSlots = Array.from({ length: maxEntriesPerRow }, (_, index) => index + 1);
export const slotAttribute = (slot: number): string => `e${slot}`;

/** The key of an entry's row. */
export function entryRowKey(key: ClientKey, packetIdentifier: number): Item {
  return sessionRowKey(key, kinds.queued(rowIdentifierOf(packetIdentifier)));
}

/** Groups values by row, in order. */
export function byRow<T>(values: readonly T[], identifierOf: (value: T) => number): T[][] {
  const rows = new Map<number, T[]>();
  for (const value of values) {
    const row = rowIdentifierOf(identifierOf(value));
    const others = rows.get(row);
    if (others === undefined) rows.set(row, [value]);
    else others.push(value);
  }
  return [...rows.values()];
}

/**
 * The item of a row. An entry alone in its row has its attributes beside those of the row. Entries
 * that share a row have a map each, `e1` to `e7`, for attributes that they do not all have in
 * common. `seq` and `id` are those of the first entry.
 */
export function rowItem(key: ClientKey, entries: readonly QueueEntry[]): Item {
  const [first] = entries;
  if (first === undefined) throw new RangeError('a row has at least one entry');
  const row = {
    ...entryRowKey(key, first.packetIdentifier),
    v: version,
    ...item({
      seq: N(first.sequence),
      generation: S(first.generation),
      pushedTo: optional(first.pushedTo, S),
      dropAt: optional(first.dropAtMs, N),
      batch: optional(first.batch?.first, N),
      storedAt: optional(first.batch?.storedAtMs, N),
    }),
  };
  if (slotOf(first.packetIdentifier) === 0) return { ...row, ...entryAttributes(first) };
  const attributes = entries.map(entryAttributes);
  const common = commonOf(attributes);
  const slots = entries.map(({ packetIdentifier }, index) => [
    slotAttribute(slotOf(packetIdentifier)),
    { M: without(attributes[index] ?? {}, common) },
  ]);
  return { ...row, ...common, id: S(first.message.id), ...Object.fromEntries(slots) };
}

/** Attributes that are stored once for the row if all its entries have them in common. */
const commonNames = ['topic', 'from', 'retain', 'retained', 'published', 'share', 'identifiers'] as const;

function commonOf(entries: readonly Item[]): Item {
  const [first = {}] = entries;
  return Object.fromEntries(
    commonNames.flatMap((name) => {
      const value = first[name];
      const isCommon = value !== undefined && entries.every((entry) => isDeepStrictEqual(entry[name], value));
      return isCommon ? [[name, value] as const] : [];
    }),
  );
}

function without(attributes: Item, common: Item): Item {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !(name in common)));
}

function entryAttributes(entry: QueueEntry): Item {
  return {
    ...(entry.byReference === true
      ? { id: S(entry.message.id), named: { BOOL: true } }
      : messageAttributes(entry.message)),
    ...item({
      share: optional(entry.share, S),
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

/** One entry of a stored row. */
export interface StoredEntry {
  readonly row: Item;
  readonly attributes: Item;
  readonly sequence: number;
}

/** The remaining entries of a row, in their order. */
export function storedEntries(row: Item): StoredEntry[] {
  const first = number(known(row), 'seq');
  const firstSlot = slotOf(packetIdentifierOf(first));
  if (firstSlot === 0) return [{ row, attributes: row, sequence: first }];
  const common = item(Object.fromEntries(commonNames.map((name) => [name, row[name]])));
  return sharedSlots.flatMap((slot) => {
    const own = row[slotAttribute(slot)]?.M;
    if (own === undefined) return [];
    return [{ row, attributes: { ...common, ...own }, sequence: first - firstSlot + slot }];
  });
}

/** Whether an entry refers to its message. A released entry needs only its packet identifier. */
export function namesMessage({ attributes }: StoredEntry): boolean {
  return flag(attributes, 'named') && !flag(attributes, 'released');
}

/** @returns undefined if the entry refers to a message that is not in `shared`. */
export function entryFrom(stored: StoredEntry, shared: ReadonlyMap<string, Message>): QueueEntry | undefined {
  const { row, attributes, sequence } = stored;
  const message = messageOf(attributes, shared);
  if (message === undefined) return undefined;
  const published = optionalNumber(attributes, 'published');
  const pushedTo = optionalString(row, 'pushedTo');
  const dropAtMs = optionalNumber(row, 'dropAt');
  const first = optionalNumber(row, 'batch');
  const share = optionalString(attributes, 'share');
  return {
    sequence,
    packetIdentifier: packetIdentifierOf(sequence),
    released: flag(attributes, 'released'),
    generation: string(row, 'generation'),
    qos: number(attributes, 'qos') === 2 ? 2 : 1,
    retain: flag(attributes, 'retained'),
    subscriptionIdentifiers: (attributes.identifiers?.L ?? []).map((value) => Number(value.N)),
    message: published === undefined ? message : { ...message, qos: published as Message['qos'] },
    ...(flag(attributes, 'named') ? { byReference: true } : {}),
    ...(pushedTo === undefined ? {} : { pushedTo: pushedTo as ConnectionAddress }),
    ...(share === undefined ? {} : { share }),
    ...(dropAtMs === undefined ? {} : { dropAtMs }),
    ...(first === undefined ? {} : { batch: { first, storedAtMs: number(row, 'storedAt') } }),
  };
}

function messageOf(attributes: Item, shared: ReadonlyMap<string, Message>): Message | undefined {
  if (!flag(attributes, 'named')) return messageFrom(attributes);
  const id = string(attributes, 'id');
  if (!flag(attributes, 'released')) return shared.get(id);
  return { id, topic: '', payload: new Uint8Array(0), qos: 2, retain: false, properties: {} };
}
