import { createHash } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { FanoutSlice } from '../core/model.ts';
import type { FanoutQueue } from '../core/ports.ts';
import { isTenantName, type TenantId } from '../core/tenant-id.ts';
import { sendInBatches } from './send-in-batches.ts';

/**
 * Slices of fan-outs on a FIFO queue. A message group is a topic and a range of clients, so its
 * slices are delivered one after another. The deduplication id is that of fan-out and slice: a
 * slice that is sent again within 5 minutes counts once (Amazon SQS Developer Guide, "FIFO queue
 * and message identifiers").
 */
export function createFanoutQueue(client: SQSClient, queueUrl: string): FanoutQueue {
  return {
    async send(slices) {
      const entries = slices.map(
        (slice): Omit<SendMessageBatchRequestEntry, 'Id'> => ({
          MessageBody: JSON.stringify({ v: 1, ...slice }),
          MessageGroupId: groupOf(slice),
          MessageDeduplicationId: `${slice.id}-${slice.slice}`,
        }),
      );
      await sendInBatches(client, queueUrl, entries);
    },
  };
}

/** Makes messages visible again after `seconds`, before their visibility timeout ends. */
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

/** The message group of a slice: its tenant, topic and range. At most 128 characters. */
export function groupOf({ tenant, topic, slice }: FanoutSlice): string {
  return `${createHash('sha256').update(`${tenant}/${topic}`).digest('base64url')}-${slice}`;
}

/**
 * A message of the fan-out queue that this release does not write; most likely a newer one wrote
 * it.
 */
export class SliceFormatError extends Error {
  readonly code = 'slice-format';
  override readonly name = 'SliceFormatError';
}

/**
 * Reads a message of the fan-out queue. Only this stack writes to it.
 * @throws SliceFormatError when the message is not a slice of this release. SQS then delivers it
 *   again and finally moves it to the dead-letter queue.
 */
export function sliceFrom(body: string): FanoutSlice {
  const result = v.safeParse(messageSchema, JSON.parse(body));
  if (!result.success)
    throw new SliceFormatError(
      'a message of the fan-out queue is no slice of this release: see docs/upgrading.md',
    );
  const { v: _, ...slice } = result.output;
  return slice;
}

const messageSchema = v.pipe(
  v.object({
    v: v.literal(1),
    /** A tenant id that a function of this stack put into the queue. */
    tenant: v.custom<TenantId>((value) => typeof value === 'string' && isTenantName(value)),
    id: v.string(),
    topic: v.string(),
    filters: v.array(v.string()),
    messageIds: v.array(v.string()),
    again: v.array(v.string()),
    slice: v.pipe(v.number(), v.integer(), v.minValue(0)),
    slices: v.pipe(v.number(), v.integer()),
  }),
  v.check(({ slice, slices }) => slice < slices),
) satisfies v.GenericSchema<unknown, { v: 1 } & FanoutSlice>;
