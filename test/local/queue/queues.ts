import {
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach } from 'vitest';
import { localCredentials } from '../../../lib/aws/settings.ts';
import { createSqsClient } from '../../../lib/aws/sqs.ts';
import { createManualClock, type ManualClock } from '../../../lib/local/clock.ts';
import { openQueueService, type QueueService } from '../../../lib/local/queue/index.ts';

const queues = {
  plain: { visibilityTimeoutSeconds: 30, deadLetter: { queue: 'dead', maxReceiveCount: 2 } },
  dead: {},
  slow: { delaySeconds: 10, retentionSeconds: 60 },
  'ordered.fifo': { visibilityTimeoutSeconds: 30 },
  'content.fifo': { contentBasedDeduplication: true },
};
export type Name = keyof typeof queues;

export let clock: ManualClock;
export let service: QueueService<Name>;
export let client: SQSClient;

beforeEach(async () => {
  clock = createManualClock();
  service = await openQueueService({ queues, clock, region: 'eu-west-1' });
  client = createSqsClient({
    region: 'eu-west-1',
    credentials: localCredentials,
    requestHandler: service.requestHandler,
  });
});
afterEach(() => service.close());

export const send = (name: Name, MessageBody: string, extra = {}) =>
  client.send(new SendMessageCommand({ QueueUrl: service.urlOf(name), MessageBody, ...extra }));
export const receive = async (name: Name, extra = {}) =>
  (
    await client.send(
      new ReceiveMessageCommand({ QueueUrl: service.urlOf(name), MaxNumberOfMessages: 10, ...extra }),
    )
  ).Messages ?? [];
export const bodies = async (name: Name, extra = {}) => (await receive(name, extra)).map(({ Body }) => Body);
export const remove = (name: Name, ReceiptHandle: string | undefined) =>
  client.send(new DeleteMessageCommand({ QueueUrl: service.urlOf(name), ReceiptHandle }));
