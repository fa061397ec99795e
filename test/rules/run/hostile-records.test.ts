import { afterEach, expect, test } from 'vitest';
import type { Rule } from '../../../lib/core/rules.ts';
import { defaultSettings } from '../../../lib/core/settings.ts';
import { vouchedTenantId } from '../../../lib/core/tenant-id.ts';
import { listFailures, redriveFailures } from '../../../lib/rules/run/failures.ts';
import { wakeRule } from '../../../lib/rules/run/outage.ts';
import type { DeliveryOutcome, RuleDelivery } from '../../../lib/rules/target.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let service: TestService;
afterEach(() => service.close());

const tenant = vouchedTenantId('acme');
/** Each takes one byte in MQTT, and six in JSON. */
const controls = '\u0001\u001f'.repeat(32_000);
const rulesPerMessage = 8;

const ruleOf = (name: string): Rule => ({
  name,
  filter: 'o/+',
  send: { form: 'envelope' },
  target: { kind: 'webhook', url: 'https://example.com/' },
  status: 'active',
  retryHours: 24,
  createdAtMs: Date.now() - 60_000,
});

test('64 KB of control characters in properties and payload pass queue, rows and failures whole', async () => {
  let answer: DeliveryOutcome = { kind: 'retry', code: 'rule-target-status' };
  const bodies = new Map<string, unknown>();
  const deliver = async (
    _: Rule,
    deliveries: readonly RuleDelivery[],
  ): Promise<readonly DeliveryOutcome[]> => {
    if (answer.kind === 'delivered')
      for (const { id, body } of deliveries) bodies.set(id, JSON.parse(new TextDecoder().decode(body)));
    return deliveries.map(() => answer);
  };
  service = await startTestService({
    ruleTargets: { webhook: { maxBatch: 1, deliver } },
    settings: { ...defaultSettings, ruleRetrySeconds: 0, ruleRetryMaxSeconds: 0, ruleCircuitFailures: 1 },
  });
  const { context } = service.service;
  const acme = await service.tenant('acme');
  const names = Array.from({ length: rulesPerMessage }, (_, index) => `r${index}`);
  await service.stores.tenants.addShape(tenant, '=/+', 64);
  for (const name of names) {
    await service.stores.rules.put(tenant, ruleOf(name), [], 0);
    await service.stores.rules.putMatch(tenant, 'o/+', { name, lane: 'common' });
  }
  const client = await service.connect(acme);
  await client.publishAsync('o/1', controls, {
    qos: 1,
    properties: { userProperties: { controls: controls.slice(0, 60_000) } },
  });
  // All wait in rows.
  for (const name of names)
    await expect.poll(async () => context.ruleRecords.countWaiting({ tenant, rule: name }, 9)).toBe(1);
  // Then the target refuses them for good.
  answer = { kind: 'refused', code: 'rule-target-refused' };
  for (const rule of names) await wakeRule(context, { tenant, rule }, 'common');
  for (const rule of names)
    await expect
      .poll(async () => (await listFailures(context, { tenant, rule }, { limit: 9 })).failures.length)
      .toBe(1);
  answer = { kind: 'delivered' };
  for (const rule of names) await redriveFailures(context, { tenant, rule }, 'common', 'all');
  await expect.poll(() => bodies.size).toBe(rulesPerMessage);
  for (const body of bodies.values())
    expect(body).toMatchObject({
      payloadText: controls,
      properties: { user: { controls: controls.slice(0, 60_000) } },
    });
});
