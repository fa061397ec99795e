import { CreateTableCommand, DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateDeliveryStreamCommand, FirehoseClient } from '@aws-sdk/client-firehose';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { describe, expect, inject, it } from 'vitest';
import { createRuleTargets } from '../../lib/aws/rule-targets/index.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import type { RuleTarget } from '../../lib/core/rules.ts';
import { deliveryOf, ruleWith } from '../rules/targets/deliveries.ts';

const { deployment } = inject('deployed');
const { endpoint = '', region = '' } = deployment ?? {};
const settings = { endpoint, region, credentials: localCredentials };
const suffix = Math.random().toString(36).slice(2, 8);
const delivered = { kind: 'delivered' };
const account = '000000000000';

const targets = createRuleTargets({
  webhook: { secrets: { read: async () => [] }, nowMs: Date.now },
  aws: { endpoint, credentials: localCredentials },
});

/** Sends two records, in one batch, to a target. */
async function send(target: RuleTarget): Promise<unknown> {
  return targets[target.kind]?.deliver(ruleWith(target), [
    deliveryOf('m1', '{"id":"a","n":1}'),
    deliveryOf('m2', '{"id":"b","n":2}'),
  ]);
}

const sqs = new SQSClient(settings);

async function newQueue(name: string, attributes: Record<string, string> = {}) {
  const { QueueUrl = '' } = await sqs.send(
    new CreateQueueCommand({ QueueName: name, Attributes: attributes }),
  );
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
  );
  return { url: QueueUrl, arn: Attributes?.QueueArn ?? '' };
}

/** The bodies of two messages, in the order in which they come. */
async function twoBodies(url: string): Promise<string[]> {
  const bodies: string[] = [];
  while (bodies.length < 2) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 }),
    );
    bodies.push(...Messages.map(({ Body = '' }) => Body));
  }
  return bodies;
}

describe.skipIf(deployment === undefined)('records of rules at the emulator', () => {
  it('reach queues, standard and FIFO', async () => {
    const queue = await newQueue(`rules-${suffix}`);
    expect(await send({ kind: 'sqs', queueArn: queue.arn })).toEqual([delivered, delivered]);
    expect((await twoBodies(queue.url)).toSorted()).toEqual(['{"id":"a","n":1}', '{"id":"b","n":2}']);
    const fifo = await newQueue(`rules-${suffix}.fifo`, { FifoQueue: 'true' });
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(await send({ kind: 'sqs', queueArn: fifo.arn })).toEqual([delivered, delivered]);
    expect(await twoBodies(fifo.url)).toEqual(['{"id":"a","n":1}', '{"id":"b","n":2}']);
    expect(await send({ kind: 'sqs', queueArn: `${queue.arn}-missing` })).toEqual(
      Array(2).fill({ kind: 'retry', code: 'rule-target-missing' }),
    );
  });

  it('reach subscribers of a topic of SNS', async () => {
    const queue = await newQueue(`rules-sns-${suffix}`);
    const sns = new SNSClient(settings);
    const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: `rules-${suffix}` }));
    await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: queue.arn }));
    expect(await send({ kind: 'sns', topicArn: TopicArn })).toEqual([delivered, delivered]);
    const bodies = (await twoBodies(queue.url)).map((body) => JSON.parse(body) as { Message: string });
    expect(bodies.map(({ Message }) => JSON.parse(Message).id).toSorted()).toEqual(['a', 'b']);
  });

  it('reach rules of an event bus', async () => {
    const queue = await newQueue(`rules-bus-${suffix}`);
    const events = new EventBridgeClient(settings);
    const bus = `rules-${suffix}`;
    const { EventBusArn = '' } = await events.send(new CreateEventBusCommand({ Name: bus }));
    await events.send(
      new PutRuleCommand({
        Name: bus,
        EventBusName: bus,
        EventPattern: '{"source":["shop"],"detail":{"n":[{"numeric":[">",0]}]}}',
      }),
    );
    await events.send(
      new PutTargetsCommand({ Rule: bus, EventBusName: bus, Targets: [{ Id: '1', Arn: queue.arn }] }),
    );
    const target: RuleTarget = {
      kind: 'eventbridge',
      busArn: EventBusArn,
      source: 'shop',
      detailType: 'order',
    };
    expect(await send(target)).toEqual([delivered, delivered]);
    const found = (await twoBodies(queue.url)).map((body) => JSON.parse(body));
    expect(found.map(({ detail }) => detail.id).toSorted()).toEqual(['a', 'b']);
    expect(found[0]['detail-type']).toBe('order');
  });

  it('reach a stream of Kinesis, by topic', async () => {
    const kinesis = new KinesisClient(settings);
    const StreamName = `rules-${suffix}`;
    await kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    const { Shards: [shard] = [] } = await kinesis.send(new ListShardsCommand({ StreamName }));
    const streamArn = `arn:aws:kinesis:${region}:${account}:stream/${StreamName}`;
    expect(await send({ kind: 'kinesis', streamArn })).toEqual([delivered, delivered]);
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({ StreamName, ShardId: shard?.ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const { Records = [] } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    expect(Records.map(({ Data }) => JSON.parse(Buffer.from(Data ?? []).toString()).id)).toEqual(['a', 'b']);
    expect(Records.map(({ PartitionKey }) => PartitionKey)).toEqual(['orders/7', 'orders/7']);
  });

  it('reach a bucket through Firehose, one on a line', async () => {
    const bucket = `rules-${suffix}`;
    const at = (path: string, method = 'GET') =>
      fetch(`${endpoint}/${bucket}${path}`, { method }).then((answer) => answer.text());
    await at('', 'PUT');
    const firehose = new FirehoseClient(settings);
    const DeliveryStreamName = `rules-${suffix}`;
    await firehose.send(
      new CreateDeliveryStreamCommand({
        DeliveryStreamName,
        DeliveryStreamType: 'DirectPut',
        ExtendedS3DestinationConfiguration: {
          RoleARN: `arn:aws:iam::${account}:role/firehose`,
          BucketARN: `arn:aws:s3:::${bucket}`,
        },
      }),
    );
    const streamArn = `arn:aws:firehose:${region}:${account}:deliverystream/${DeliveryStreamName}`;
    expect(await send({ kind: 'firehose', streamArn })).toEqual([delivered, delivered]);
    const keys = [...(await at('?list-type=2')).matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => key);
    const texts = await Promise.all(keys.map((key) => at(`/${key}`)));
    // The emulator makes an object of each record.
    expect(texts.toSorted().join('')).toBe('{"id":"a","n":1}\n{"id":"b","n":2}\n');
  });

  it('reach a function', async () => {
    const { Functions = [] } = await new LambdaClient(settings).send(new ListFunctionsCommand({}));
    const { FunctionArn: functionArn = '' } = Functions[0] ?? {};
    expect(await send({ kind: 'lambda', functionArn })).toEqual([delivered, delivered]);
    expect(await send({ kind: 'lambda', functionArn: `${functionArn}-missing` })).toEqual(
      Array(2).fill({ kind: 'retry', code: 'rule-target-missing' }),
    );
  });

  it('reach a table', async () => {
    const dynamo = new DynamoDBClient(settings);
    const TableName = `rules-${suffix}`;
    const create = new CreateTableCommand({
      TableName,
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
      BillingMode: 'PAY_PER_REQUEST',
    });
    await dynamo.send(create);
    const tableArn = `arn:aws:dynamodb:${region}:${account}:table/${TableName}`;
    expect(await send({ kind: 'dynamodb', tableArn })).toEqual([delivered, delivered]);
    const { Item } = await dynamo.send(new GetItemCommand({ TableName, Key: { id: { S: 'b' } } }));
    expect(Item).toEqual({ id: { S: 'b' }, n: { N: '2' } });
    const keyless = deliveryOf('m3', '{"n":3}');
    expect(await targets.dynamodb?.deliver(ruleWith({ kind: 'dynamodb', tableArn }), [keyless])).toEqual([
      { kind: 'refused', code: 'rule-key-missing' },
    ]);
  });
});
