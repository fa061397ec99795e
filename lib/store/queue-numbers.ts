import type { QueuedMessage, QueueNumbering } from '../core/store-ports/queue.ts';
import { messageBytes } from '../core/usage.ts';

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
export function rowIdentifierOf(packetIdentifier: number): number {
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
