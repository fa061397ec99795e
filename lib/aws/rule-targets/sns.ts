import type { PublishBatchRequestEntry } from '@aws-sdk/client-sns';
import type { RuleTargetPort } from '../../rules/target.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { failedCodes, inBatches } from './batches.ts';
import { fifoIdOf, queuedBodyOf } from './body.ts';
import { batchEntries, createAwsTarget, type TargetClientOptions } from './clients.ts';

/** Bytes of all messages of one PublishBatch together (Amazon SNS API Reference, PublishBatch). */
const maxRequestBytes = 262_144;

/**
 * Publishes records to an SNS topic. On a FIFO topic the message group is the MQTT topic and the
 * deduplication id is that of the delivery.
 */
export function createSnsTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'sns',
    maxBatch: batchEntries,
    arnOf: ({ topicArn }) => topicArn,
    async create(settings) {
      const { PublishBatchCommand, SNSClient } = await import('@aws-sdk/client-sns');
      const client = new SNSClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (TopicArn: string, PublishBatchRequestEntries: PublishBatchRequestEntry[]) =>
        client.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }));
    },
    deliver: (publishBatch, { topicArn }, deliveries) =>
      inBatches(deliveries, {
        maxEntryBytes: maxRequestBytes,
        maxRequestBytes,
        prepare(delivery) {
          const body = queuedBodyOf(delivery);
          if (body === undefined) return { kind: 'refused', code: 'rule-body-empty' };
          const message = { Message: body.text, MessageAttributes: body.attributes };
          const fifo = {
            MessageGroupId: fifoIdOf(delivery.event.topic),
            MessageDeduplicationId: fifoIdOf(delivery.id),
          };
          return { entry: { ...message, ...(topicArn.endsWith('.fifo') ? fifo : {}) }, bytes: body.bytes };
        },
        async send(entries) {
          const numbered = entries.map((entry, index) => ({ ...entry, Id: String(index) }));
          const { Failed } = await publishBatch(topicArn, numbered);
          return failedCodes(entries.length, Failed);
        },
      }),
  });
}
