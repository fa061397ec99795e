import type { SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs';
import type { RuleTargetPort } from '../../rules/target.ts';
import { removeCostlyMiddleware } from '../settings.ts';
import { failedCodes, inBatches } from './batches.ts';
import { fifoIdOf, queuedBodyOf } from './body.ts';
import { batchEntries, createAwsTarget, nameInArn, type TargetClientOptions } from './clients.ts';

/** Bytes of a message with its attributes (Amazon SQS Developer Guide, "Message quotas"). */
const maxMessageBytes = 1_048_576;
/** Bytes of one request that every SQS-compatible queue takes: the bound of SQS before 1 MiB. */
const maxRequestBytes = 262_144;

/**
 * Sends records to an SQS queue. On a FIFO queue the message group is the topic and the
 * deduplication id is that of the delivery, so a repetition within 5 minutes counts once.
 */
export function createSqsTarget(options: TargetClientOptions = {}): RuleTargetPort {
  return createAwsTarget(options, {
    kind: 'sqs',
    maxBatch: batchEntries,
    arnOf: ({ queueArn }) => queueArn,
    async create(settings) {
      const { SendMessageBatchCommand, SQSClient } = await import('@aws-sdk/client-sqs');
      const client = new SQSClient(settings);
      removeCostlyMiddleware(client.middlewareStack);
      return (QueueUrl: string, Entries: SendMessageBatchRequestEntry[]) =>
        client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    },
    deliver: (sendBatch, { queueArn, messageGroupId }, deliveries) =>
      inBatches(deliveries, {
        maxEntryBytes: maxMessageBytes,
        maxRequestBytes,
        prepare(delivery) {
          const body = queuedBodyOf(delivery);
          if (body === undefined) return { kind: 'refused', code: 'rule-body-empty' };
          const message = { MessageBody: body.text, MessageAttributes: body.attributes };
          const fifo = {
            MessageGroupId: fifoIdOf(messageGroupId ?? delivery.event.topic),
            MessageDeduplicationId: fifoIdOf(delivery.id),
          };
          return { entry: { ...message, ...(queueArn.endsWith('.fifo') ? fifo : {}) }, bytes: body.bytes };
        },
        async send(entries) {
          const numbered = entries.map((entry, index) => ({ ...entry, Id: String(index) }));
          const { Failed } = await sendBatch(queueUrlOf(queueArn), numbered);
          return failedCodes(entries.length, Failed);
        },
      }),
  });
}

/** `arn:PARTITION:sqs:REGION:ACCOUNT:NAME` */
function queueUrlOf(arn: string): string {
  const [, partition, , region, account] = arn.split(':');
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://sqs.${region}.${domain}/${account}/${nameInArn(arn)}`;
}
