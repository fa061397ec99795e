import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateTopicCommand, PublishCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { localCredentials } from '../../lib/aws/settings.ts';
import { inbox } from '../support/service.ts';
import { type Clients, openClients, type Tenant } from './clients.ts';

const { deployment } = inject('deployed');

const suffix = randomBytes(4).toString('hex');

/** The example of docs/inbound.md. */
async function transformerOfDocs(): Promise<[Record<string, string>, string]> {
  const page = await readFile(new URL('../../docs/inbound.md', import.meta.url), 'utf8');
  const [, members = ''] = /^ {4}("InputPathsMap": [\s\S]*?)$\n\n/m.exec(page) ?? [];
  const example = JSON.parse(`{${members}}`) as {
    InputPathsMap: Record<string, string>;
    InputTemplate: string;
  };
  return [example.InputPathsMap, example.InputTemplate];
}

describe.skipIf(deployment === undefined)('the inbound queue publishes', () => {
  const { endpoint = '', region = '', stackName = '' } = deployment ?? {};
  const settings = { endpoint, region, credentials: localCredentials };
  const sqs = new SQSClient(settings);
  let queueUrl = '';
  let clients: Clients;
  let tenant: Tenant;
  beforeAll(async () => {
    const { Stacks = [] } = await new CloudFormationClient(settings).send(
      new DescribeStacksCommand({ StackName: stackName }),
    );
    const outputs = Stacks[0]?.Outputs ?? [];
    queueUrl = outputs.find(({ OutputKey }) => OutputKey === 'InboundQueueUrl')?.OutputValue ?? '';
    clients = await openClients();
    tenant = await clients.tenant();
  });
  afterAll(() => clients.close());

  it('what is sent to it', async () => {
    const client = await clients.connect(tenant);
    const { take } = inbox(client);
    await client.subscribeAsync('orders/#', { qos: 1 });
    const message = { tenant: tenant.name, topic: 'orders/7', payload: { total: 120 }, qos: 1 };
    await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(message) }));
    const [got] = await take(1);
    expect(got).toMatchObject({ topic: 'orders/7', text: '{"total":120}', qos: 1 });
  });

  async function queueArn(): Promise<string> {
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    );
    return Attributes?.QueueArn ?? '';
  }

  it('what a topic of SNS sends raw, with attributes and as JSON', async () => {
    const client = await clients.connect(tenant);
    const { take } = inbox(client);
    await client.subscribeAsync('sns/#', { qos: 1 });
    const sns = new SNSClient(settings);
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: `inbound-${suffix}` }));
    const Attributes = { RawMessageDelivery: 'true' };
    await sns.send(
      new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: await queueArn(), Attributes }),
    );
    const text = (StringValue: string) => ({ DataType: 'String', StringValue });
    const MessageAttributes = { tenant: text(tenant.name), topic: text('sns/1'), qos: text('1') };
    await sns.send(new PublishCommand({ TopicArn, Message: '21.5', MessageAttributes }));
    const json = { tenant: tenant.name, topic: 'sns/2', payloadText: 'x', qos: 1 };
    await sns.send(new PublishCommand({ TopicArn, Message: JSON.stringify(json) }));
    const got = (await take(2)).map(({ topic, text: payload }) => [topic, payload]);
    expect(got.toSorted()).toEqual([
      ['sns/1', '21.5'],
      ['sns/2', 'x'],
    ]);
  });

  it('what EventBridge says of an object in S3, with the input transformer of the documentation', async () => {
    const client = await clients.connect(tenant);
    const { take } = inbox(client);
    await client.subscribeAsync('files/#', { qos: 1 });
    const bucket = `inbound-${suffix}`;
    const s3 = (path: string, body = '') =>
      fetch(`${endpoint}/${bucket}${path}`, { method: 'PUT', ...(body === '' ? {} : { body }) });
    await s3('');
    const toEvents = '<EventBridgeConfiguration/>';
    await s3('?notification', `<NotificationConfiguration>${toEvents}</NotificationConfiguration>`);
    const events = new EventBridgeClient(settings);
    const rule = `inbound-${suffix}`;
    await events.send(
      new PutRuleCommand({
        Name: rule,
        EventPattern: JSON.stringify({
          source: ['aws.s3'],
          'detail-type': ['Object Created'],
          detail: { bucket: { name: [bucket] } },
        }),
      }),
    );
    const [InputPathsMap, InputTemplate] = await transformerOfDocs();
    await events.send(
      new PutTargetsCommand({
        Rule: rule,
        Targets: [
          {
            Id: 'inbound',
            Arn: await queueArn(),
            InputTransformer: { InputPathsMap, InputTemplate: InputTemplate.replace('acme', tenant.name) },
          },
        ],
      }),
    );
    await s3('/report.csv', 'a,b');
    const [got] = await take(1);
    expect(got?.topic).toBe('files/created');
    expect(JSON.parse(got?.text ?? '')).toEqual({ bucket, key: 'report.csv' });
  });

  it('at the time of a schedule', async () => {
    const client = await clients.connect(tenant);
    const { take } = inbox(client);
    await client.subscribeAsync('devices/#', { qos: 1 });
    const at = new Date(Date.now() + 2_000).toISOString().slice(0, 19);
    const message = { tenant: tenant.name, topic: 'devices/7/cmd', payloadText: 'reboot', qos: 1 };
    await new SchedulerClient(settings).send(
      new CreateScheduleCommand({
        Name: `reboot-${randomBytes(4).toString('hex')}`,
        ScheduleExpression: `at(${at})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: {
          Arn: await queueArn(),
          RoleArn: 'arn:aws:iam::000000000000:role/scheduler',
          Input: JSON.stringify(message),
        },
      }),
    );
    const [got] = await take(1);
    expect(got).toMatchObject({ topic: 'devices/7/cmd', text: 'reboot' });
  });
});
