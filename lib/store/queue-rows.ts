import { isDeepStrictEqual } from 'node:util';
import type { ClientKey, ConnectionAddress, Message, QueueEntry } from '../core/model.ts';
import { packetIdentifierOf } from '../core/session-rules.ts';
import type { QueuedMessage, QueueNumbering } from '../core/store-ports/queue.ts';
import { messageBytes } from '../core/usage.ts';
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
import { kinds, sessionRowKey } from './keys.ts';
import { messageAttributes, messageFrom } from './message-item.ts';

/**
 * Numbers of one row of a queue. A message alone in its row has the first number. Up to seven small
 * messages that are queued together share a row and have its last numbers. So a packet identifier
 * tells its row, and whether the message is alone there.
 */
export const numbersPerRow = 8;
/** Messages that may share a row. */
export const maxEntriesPerRow = numbersPerRow - 1;

/**
 * Bytes that the messages of a shared row may take. With the key and the attributes of the row it
 * stays below 1 KB, so that storing it, and each acknowledgement of some of its messages, costs one
 * write unit.
 */
const maxRowBytes = 860;
/** Id, QoS, and the attribute names of an entry. */
const entryOverheadBytes = 48;

/** Position of an identifier in its row: 0 is alone, 1 to 7 share the row. */
export function slotOf(packetIdentifier: number): number {
  return (packetIdentifier - 1) % numbersPerRow;
}

/** The identifier that names an identifier's row: its own, or that of the first shared position. */
function rowIdentifierOf(packetIdentifier: number): number {
  const slot = slotOf(packetIdentifier);
  return slot === 0 ? packetIdentifier : packetIdentifier - slot + 1;
}

/** Consecutive small messages share a row, all others have one each. */
export function numberTogether(messages: readonly QueuedMessage[]): QueueNumbering {
  const rows: QueuedMessage[][] = [];
  for (const message of messages) {
    const last = rows.at(-1);
    if (last !== undefined && mayShare([...last, message])) last.push(message);
    else rows.push([message]);
  }
  return numberingOf(rows.map(({ length }) => length));
}

/** Every message has a row of its own. */
export function numberApart(count: number): QueueNumbering {
  return numberingOf(Array.from({ length: count }, () => 1));
}

/** The last message of a shared row always has the last number: see deleteFromRow in queue.ts. */
function numberingOf(rowLengths: readonly number[]): QueueNumbering {
  const numbers = rowLengths.length * numbersPerRow;
  return {
    numbers,
    writes: (newestSequence) =>
      rowLengths.map((length, row) => {
        const first = newestSequence - numbers + 1 + row * numbersPerRow;
        if (length === 1) return [first];
        return Array.from({ length }, (_, index) => first + numbersPerRow - length + index);
      }),
  };
}

function mayShare(row: readonly QueuedMessage[]): boolean {
  if (row.length > maxEntriesPerRow) return false;
  const own = row.reduce((sum, message) => sum + ownBytes(message), 0);
  const common = row.map(commonTexts);
  const [first = []] = common;
  // What all messages of a row have in common is stored once (queue-rows.ts).
  const isSame = common.every((texts) => texts.join('\0') === first.join('\0'));
  const texts = (isSame ? [first] : common).flat();
  return own + texts.reduce((sum, text) => sum + textBytes(text), 0) <= maxRowBytes;
}

/** Texts that messages of one publisher on one topic to one subscriber have in common. */
function commonTexts({ message, share = '', subscriptionIdentifiers }: QueuedMessage): string[] {
  return [message.topic, message.publisher ?? '', share, ...subscriptionIdentifiers.map(String)];
}

function ownBytes({ message }: QueuedMessage): number {
  const { contentType = '', responseTopic = '', correlationData, userProperties = [] } = message.properties;
  const texts = [contentType, responseTopic, ...userProperties.flat()];
  return (
    entryOverheadBytes +
    messageBytes({ topic: '', payload: message.payload }) +
    (correlationData?.length ?? 0) +
    texts.reduce((sum, text) => sum + textBytes(text), 0)
  );
}

/** With 6 bytes for the attribute's name or, in a list, its type. */
function textBytes(text: string): number {
  return text === '' ? 0 : Buffer.byteLength(text) + 6;
}

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
