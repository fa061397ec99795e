import { messageBytes } from '../core/message-bytes.ts';
import { maxEntriesPerRow } from '../core/packet-identifier.ts';
import type { Queueable } from './enqueue.ts';

/**
 * Bytes that the messages of a shared row may take: with its key and what is the row's own it usually stays below 1 KB, so
 * that storing it, and each acknowledgement of some of its messages, costs one write unit.
 */
const maxRowBytes = 860;
/** Id, QoS, and the names of a message's attributes. */
const entryOverheadBytes = 48;

/**
 * Cuts messages into rows of the queue: consecutive small ones share a row, all others have one each. What is kept
 * elsewhere may turn out to be stored here in full length, so it has a row too.
 * @returns the lengths of the rows.
 */
export function rowLengthsOf(queueables: readonly Queueable[]): number[] {
  const rows: Queueable[][] = [];
  for (const queueable of queueables) {
    const last = rows.at(-1);
    if (last !== undefined && mayShare([...last, queueable])) last.push(queueable);
    else rows.push([queueable]);
  }
  return rows.map(({ length }) => length);
}

function mayShare(row: readonly Queueable[]): boolean {
  if (row.length > maxEntriesPerRow || row.some(({ kept }) => kept !== undefined)) return false;
  const own = row.reduce((sum, queueable) => sum + ownBytes(queueable), 0);
  const common = row.map(commonTexts);
  const [first = []] = common;
  // What all of a row have in common is stored once (lib/store/queue-rows.ts).
  const isSame = common.every((texts) => texts.join('\0') === first.join('\0'));
  return (
    own + (isSame ? [first] : common).flat().reduce((sum, text) => sum + bytesOf(text), 0) <= maxRowBytes
  );
}

/** What messages of one publisher on one topic to one subscriber share. */
function commonTexts({ message, share = '', subscriptionIdentifiers }: Queueable): string[] {
  return [message.topic, message.publisher ?? '', share, ...subscriptionIdentifiers.map(String)];
}

function ownBytes({ message }: Queueable): number {
  const { contentType = '', responseTopic = '', correlationData, userProperties = [] } = message.properties;
  return (
    entryOverheadBytes +
    messageBytes({ topic: '', payload: message.payload }) +
    (correlationData?.length ?? 0) +
    [contentType, responseTopic, ...userProperties.flat()].reduce((sum, text) => sum + bytesOf(text), 0)
  );
}

/** With the attribute's name or, in a list, its type. */
function bytesOf(text: string): number {
  return text === '' ? 0 : Buffer.byteLength(text) + 6;
}
