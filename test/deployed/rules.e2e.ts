import { randomBytes } from 'node:crypto';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { localCredentials } from '../../lib/aws/settings.ts';
import { adminApi, resolveTarget } from '../../lib/cli/target.ts';
import { type Clients, openClients, type Tenant } from './clients.ts';

const { deployment, options } = inject('deployed');

describe.skipIf(deployment === undefined)('a rule', () => {
  const { endpoint = '', region = '' } = deployment ?? {};
  const sqs = new SQSClient({ endpoint, region, credentials: localCredentials });
  const name = `rule-orders-${randomBytes(4).toString('hex')}`;
  let queueUrl = '';
  let clients: Clients;
  let tenant: Tenant;
  beforeAll(async () => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    queueUrl = QueueUrl;
    clients = await openClients();
    tenant = await clients.tenant();
  });
  afterAll(() => clients.close());

  it('of the admin API sends what clients publish to a queue, by the function of the stack', async () => {
    const target = resolveTarget(options);
    const api = adminApi(target, await target.connect());
    await api.call('PUT', `/${tenant.name}/rules/orders`, {
      filter: 'orders/+/placed',
      where: JSON.stringify({ payload: { total: [{ numeric: ['>', 100] }] } }),
      target: { kind: 'sqs', queueArn: `arn:aws:sqs:${region}:000000000000:${name}` },
    });
    const client = await clients.connect(tenant);
    for (const total of [99, 120])
      await client.publishAsync('orders/7/placed', JSON.stringify({ total }), { qos: 1 });
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl: queueUrl, WaitTimeSeconds: 20, MaxNumberOfMessages: 10 }),
    );
    expect(Messages.map(({ Body = '' }) => JSON.parse(Body))).toEqual([
      expect.objectContaining({ tenant: tenant.name, topic: 'orders/7/placed', payload: { total: 120 } }),
    ]);
    await api.call('DELETE', `/${tenant.name}/rules/orders`);
  });
});
