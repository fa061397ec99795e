import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { FanoutSlice } from '../core/model.ts';
import type { FanoutQueue } from '../core/ports.ts';
import { isTenantName } from '../core/tenant-id.ts';

/** Entries of one SendMessageBatch (Amazon SQS API Reference). */
const maxBatchEntries = 10;
/** Bytes of one SendMessageBatch that every SQS-compatible queue takes: SQS's bound before it became 1 MiB. */
const maxBatchBytes = 256 * 1024;
/** Attempts at entries that SQS could not take, at once. */
const maxAttempts = 4;

/** SQS took some slices and not others, again and again; the publisher must not be acknowledged. */
class FanoutSendError extends Error {
  readonly code = 'fanout-send';
  override readonly name = 'FanoutSendError';
  constructor(count: number, reason: string | undefined) {
    super(`SQS has not taken ${count} slices of a fan-out: ${reason ?? 'no reason given'}`);
  }
}

/**
 * Slices of fan-outs on a FIFO queue. A group is a topic and a range, so slices of one are handed out one after the other;
 * the id of fan-out and slice makes a slice that is sent again within 5 minutes count once (Amazon SQS Developer
 * Guide, "FIFO queue and message identifiers").
 */
export function createFanoutQueue(client: SQSClient, queueUrl: string): FanoutQueue {
  async function sendBatch(entries: SendMessageBatchRequestEntry[]): Promise<void> {
    let left = entries;
    for (let attempt = 1; ; attempt += 1) {
      const { Failed = [] } = await client.send(
        new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }),
      );
      if (Failed.length === 0) return;
      if (attempt === maxAttempts) throw new FanoutSendError(Failed.length, Failed[0]?.Code);
      const failed = new Set(Failed.map(({ Id }) => Id));
      left = left.filter(({ Id }) => failed.has(Id));
    }
  }

  return {
    async send(slices) {
      const entries = slices.map(
        (slice, index): SendMessageBatchRequestEntry => ({
          Id: String(index),
          MessageBody: JSON.stringify({ v: 1, ...slice }),
          MessageGroupId: groupOf(slice),
          MessageDeduplicationId: `${slice.id}-${slice.slice}`,
        }),
      );
      await Promise.all(batches(entries).map(sendBatch));
    },
  };
}

/** Makes messages that could not be handled visible again after `seconds`, instead of at the end of their time. */
export async function returnToQueue(
  client: SQSClient,
  queueUrl: string,
  receiptHandles: readonly string[],
  seconds: number,
): Promise<void> {
  await Promise.all(
    receiptHandles.map((ReceiptHandle) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: seconds }),
      ),
    ),
  );
}

/** Names the order in which a slice has its place: that of its tenant, topic and range. At most 128 characters. */
export function groupOf({ tenant, topic, slice }: FanoutSlice): string {
  return `${createHash('sha256').update(`${tenant}/${topic}`).digest('base64url')}-${slice}`;
}

function batches(entries: readonly SendMessageBatchRequestEntry[]): SendMessageBatchRequestEntry[][] {
  const found: SendMessageBatchRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const entryBytes = Buffer.byteLength(entry.MessageBody ?? '');
    const last = found.at(-1);
    if (last !== undefined && last.length < maxBatchEntries && bytes + entryBytes <= maxBatchBytes) {
      last.push(entry);
      bytes += entryBytes;
    } else {
      found.push([entry]);
      bytes = entryBytes;
    }
  }
  return found;
}

/** A message of the fan-out queue that this release cannot have written: of a newer one, most likely. */
export class SliceFormatError extends Error {
  readonly code = 'slice-format';
  override readonly name = 'SliceFormatError';
}

/**
 * Reads a message of the fan-out queue. Only this stack writes to it.
 * @throws SliceFormatError where it is no slice that this release knows; it then comes again, and is set aside at last.
 */
export function sliceFrom(body: string): FanoutSlice {
  const message: unknown = JSON.parse(body);
  if (!isSliceMessage(message))
    throw new SliceFormatError(
      'a message of the fan-out queue is no slice of this release: see docs/upgrading.md',
    );
  const { v: _, ...slice } = message;
  return slice;
}

function isSliceMessage(value: unknown): value is { v: 1 } & FanoutSlice {
  if (typeof value !== 'object' || value === null) return false;
  const { v, tenant, id, topic, filters, messageIds, again, slice, slices } = value as Record<
    string,
    unknown
  >;
  return (
    v === 1 &&
    typeof tenant === 'string' &&
    isTenantName(tenant) &&
    typeof id === 'string' &&
    typeof topic === 'string' &&
    [filters, messageIds, again].every(isStrings) &&
    Number.isInteger(slices) &&
    Number.isInteger(slice) &&
    Number(slice) >= 0 &&
    Number(slice) < Number(slices)
  );
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string');
}
