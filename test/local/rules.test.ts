import { afterEach, expect, test } from 'vitest';
import type { Rule, RuleTarget } from '../../lib/core/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { DeliveryOutcome, RuleDelivery } from '../../lib/rules/target.ts';
import { inbox, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
afterEach(() => service.close());

async function storeRule(
  tenantName: string,
  name: string,
  filter: string,
  shape: string,
  target: RuleTarget,
) {
  const tenant = vouchedTenantId(tenantName);
  const rule: Rule = {
    name,
    filter,
    send: { form: 'payload' },
    target,
    status: 'active',
    retryHours: 24,
    createdAtMs: Date.now() - 60_000,
  };
  await service.stores.tenants.addShape(tenant, shape, 64);
  await service.stores.rules.put(tenant, rule, [], 0);
  await service.stores.rules.putMatch(tenant, filter, { name, lane: 'common' });
}

const webhook = { kind: 'webhook', url: 'https://example.com/' } as const;

test('a target that hangs and is flooded does not delay the records of another tenant', async () => {
  const delivered: string[] = [];
  const hanging: (() => void)[] = [];
  let isDone = () => {};
  const all = new Promise<void>((resolve) => {
    isDone = resolve;
  });
  const deliver = (_: Rule, deliveries: readonly RuleDelivery[]): Promise<readonly DeliveryOutcome[]> => {
    if (deliveries[0]?.record.tenant === 'slow')
      return new Promise((resolve) =>
        hanging.push(() => resolve(deliveries.map(() => ({ kind: 'retry', code: 'rule-target-timeout' })))),
      );
    delivered.push(...deliveries.map(({ record }) => Buffer.from(record.message.payload).toString()));
    if (delivered.length === 20) isDone();
    return Promise.resolve(deliveries.map(() => ({ kind: 'delivered' })));
  };
  service = await startTestService({ ruleTargets: { webhook: { maxBatch: 1, deliver } } });
  const [slow, quick] = [await service.tenant('slow'), await service.tenant('quick')];
  await storeRule('slow', 'r', 'o/+', '=/+', webhook);
  await storeRule('quick', 'r', 'o/+', '=/+', webhook);
  const [flooding, calm] = [await service.connect(slow), await service.connect(quick)];
  await Promise.all(
    Array.from({ length: 300 }, (_, number) => flooding.publishAsync(`o/${number}`, 'x', { qos: 1 })),
  );
  const texts = Array.from({ length: 20 }, (_, number) => String(number));
  for (const text of texts) await calm.publishAsync('o/1', text, { qos: 1 });
  // None of the attempts of the other tenant has ended.
  await all;
  expect(delivered).toEqual(texts);
  expect(hanging.length).toBeGreaterThan(0);
  expect(hanging.length).toBeLessThanOrEqual(64);
  for (const end of hanging) end();
});

test('a rule publishes again, and rules that publish to each other end after three times', async () => {
  service = await startTestService();
  const acme = await service.tenant('acme');
  const republish = (topic: string) => ({ kind: 'republish', topic, qos: 1, retain: false }) as const;
  await storeRule('acme', 'ping', 'ping', '=', republish('pong'));
  await storeRule('acme', 'pong', 'pong', '=', republish('ping'));
  const grants = { publish: ['#'], subscribe: ['#', '$SYS/tenants/acme/#'] };
  const client = await service.connect(acme, { password: await acme({ mqtt: grants }) });
  const received = inbox(client);
  await client.subscribeAsync(['ping', 'pong', '$SYS/tenants/acme/rules/+/failed'], { qos: 1 });
  await client.publishAsync('ping', 'hello', { qos: 1 });
  const messages = await received.take(5);
  expect(messages.map(({ topic }) => topic)).toEqual([
    'ping',
    'pong',
    'ping',
    'pong',
    '$SYS/tenants/acme/rules/pong/failed',
  ]);
  expect(JSON.parse(messages[4]?.text ?? '')).toMatchObject({ rule: 'pong', code: 'rule-cycle', count: 1 });
});
