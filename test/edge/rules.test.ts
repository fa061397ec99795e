import { expect, test } from 'vitest';
import type { RuleQueue, RuleRecord } from '../../lib/core/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { startEdged } from './edged.ts';

const tenant = vouchedTenantId('acme');

test('clients of an edge fire rules: PUBLISH, a Will, and presence', async () => {
  const sent: RuleRecord[] = [];
  const ruleQueue: RuleQueue = {
    lanes: new Set(['common']),
    send: async (records) => void sent.push(...records),
  };
  const { service, connect } = await startEdged({
    service: { wrapPorts: (ports) => ({ ...ports, ruleQueue }) },
  });
  const mint = await service.tenant(tenant);
  const filters = { 'orders/+': '=/+', '$SYS/tenants/acme/clients/+/+': '$/=/=/=/+/+' };
  for (const [filter, shape] of Object.entries(filters)) {
    await service.stores.tenants.addShape(tenant, shape, 64);
    await service.stores.rules.putMatch(tenant, filter, { name: 'r', lane: 'common' });
  }
  const client = await connect(mint, {
    clientId: 'device',
    will: { topic: 'orders/gone', payload: Buffer.from('gone'), qos: 1, retain: false },
  });
  for (const qos of [0, 1, 2] as const) await client.publishAsync(`orders/${qos}`, 'x', { qos });
  client.stream.destroy();
  const topics = () => sent.map(({ message }) => message.topic);
  await expect.poll(topics).toHaveLength(6);
  expect(topics().slice(0, 4)).toEqual([
    '$SYS/tenants/acme/clients/device/connected',
    'orders/0',
    'orders/1',
    'orders/2',
  ]);
  expect(topics().slice(4).toSorted()).toEqual([
    '$SYS/tenants/acme/clients/device/disconnected',
    'orders/gone',
  ]);
});
