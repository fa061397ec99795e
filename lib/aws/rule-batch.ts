import { DeleteMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Log } from '../core/ports.ts';
import {
  type ReceivedDrain,
  type ReceivedRecord,
  type RuleReceipts,
  serveRuleBatch,
} from '../rules/run/batch.ts';
import type { RuleRunContext } from '../rules/run/context.ts';
import type { SqsRecord } from './events.ts';
import { returnToQueue } from './fanout-queue.ts';
import { ruleDrainOf } from './rule-drains.ts';
import { ruleRecordOf, topicPartOf } from './rule-queue.ts';

/** What serving the rule queue needs. */
export interface RuleService {
  readonly context: RuleRunContext;
  /** The queue that the function's batches come from. */
  readonly queue: { readonly client: SQSClient; readonly url: string };
  /** Resolves after this time. */
  pause(milliseconds: number): Promise<void>;
  /** Writes usage that is due, and metrics. Call it at the end of each invocation. */
  flush(): Promise<void>;
}

/**
 * Delivers a batch of the rule queue.
 * @returns ids of the messages that SQS must keep. Those that this release cannot read are among
 *   them, and go to the dead-letter queue in the end.
 */
export async function deliverRuleBatch(
  { context, queue, pause }: RuleService,
  messages: readonly SqsRecord[],
): Promise<string[]> {
  const records: ReceivedRecord[] = [];
  const drains: ReceivedDrain[] = [];
  const unreadable: string[] = [];
  for (const message of messages) {
    const read = readMessage(context.log, message);
    if (read === undefined) unreadable.push(message.messageId);
    else if ('drain' in read) drains.push(read);
    else records.push(read);
  }
  const left = await serveRuleBatch(context, { records, drains }, receiptsOf(queue, messages, pause));
  return [...unreadable, ...left];
}

/** A message that is unreadable must not keep the others from being delivered. */
function readMessage(log: Log, message: SqsRecord): ReceivedRecord | ReceivedDrain | undefined {
  const { messageId: id, receiveCount, sequence = '', body } = message;
  try {
    const drain = ruleDrainOf(body);
    if (drain !== undefined) return { id, receiveCount, drain };
    const record = ruleRecordOf(body);
    return { id, receiveCount, record, sequence, strand: topicPartOf(record.message.topic) };
  } catch (error) {
    log.error('a message of the rule queue is unreadable', {
      error: error instanceof Error ? error.name : 'unknown',
    });
    return undefined;
  }
}

function receiptsOf(
  { client, url }: RuleService['queue'],
  messages: readonly SqsRecord[],
  pause: RuleReceipts['pause'],
): RuleReceipts {
  const handles = new Map(messages.map(({ messageId, receiptHandle }) => [messageId, receiptHandle]));
  const handlesOf = (ids: readonly string[]): string[] => ids.flatMap((id) => handles.get(id) ?? []);
  return {
    pause,
    hide: (ids, seconds) => returnToQueue(client, url, handlesOf(ids), seconds),
    // A batch has at most ten messages, as many as one request takes.
    async remove(ids) {
      const Entries = handlesOf(ids).map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
      await client.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }));
    },
  };
}
