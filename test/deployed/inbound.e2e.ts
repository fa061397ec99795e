import { randomBytes } from 'node:crypto';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { localCredentials } from '../../lib/aws/settings.ts';
import { inbox } from '../support/service.ts';
import { type Clients, openClients, type Tenant } from './clients.ts';

const { deployment } = inject('deployed');

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

  it('at the time of a schedule', async () => {
    const client = await clients.connect(tenant);
    const { take } = inbox(client);
    await client.subscribeAsync('devices/#', { qos: 1 });
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
    );
    const at = new Date(Date.now() + 2_000).toISOString().slice(0, 19);
    const message = { tenant: tenant.name, topic: 'devices/7/cmd', payloadText: 'reboot', qos: 1 };
    await new SchedulerClient(settings).send(
      new CreateScheduleCommand({
        Name: `reboot-${randomBytes(4).toString('hex')}`,
        ScheduleExpression: `at(${at})`,
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: {
          Arn: Attributes?.QueueArn ?? '',
          RoleArn: 'arn:aws:iam::000000000000:role/scheduler',
          Input: JSON.stringify(message),
        },
      }),
    );
    const [got] = await take(1);
    expect(got).toMatchObject({ topic: 'devices/7/cmd', text: 'reboot' });
  });
});
