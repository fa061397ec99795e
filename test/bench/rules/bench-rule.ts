import { createIds } from '../../../lib/aws/ids.ts';
import type { Rule, RuleRecord, RuleTarget } from '../../../lib/core/rules.ts';
import { vouchedTenantId } from '../../../lib/core/tenant-id.ts';
import type { Mint, TestService } from '../../support/service.ts';
import { payloadBytes } from '../units/workloads.ts';
import { unlimitedQuotas } from '../unlimited.ts';

const tenant = vouchedTenantId('bench');
export const ruleKey = { tenant, rule: 'r' };
const filter = 'devices/+/data';

/** Stores a tenant and its only rule, of topics `devices/NUMBER/data`. */
export async function storeBenchRule(service: TestService, target: RuleTarget): Promise<Mint> {
  const mint = await service.tenant(tenant, { quotas: unlimitedQuotas });
  const rule: Rule = {
    name: ruleKey.rule,
    filter,
    send: { form: 'payload' },
    target,
    status: 'active',
    retryHours: 24,
    createdAtMs: service.service.nowMs() - 1_000,
  };
  await service.stores.tenants.addShape(tenant, '=/+/=', 64);
  await service.stores.rules.put(tenant, rule, [], 0);
  await service.stores.rules.putMatch(tenant, filter, { name: rule.name, lane: 'common' });
  return mint;
}

export const topicOf = (device: number): string => `devices/${device}/data`;

/** 100 bytes that begin with the time, for the receiver. */
export function timedPayload(): Uint8Array {
  const text = String(performance.timeOrigin + performance.now());
  return Buffer.from(text.padEnd(24).padEnd(payloadBytes, 'x'));
}

const ids = createIds(Date.now);

/** A record as a publish to the topic of a device puts it into the rule queue. */
export function benchRecord(service: TestService, device: number): RuleRecord {
  return {
    ...ruleKey,
    lane: 'common',
    message: {
      id: ids.unique(),
      topic: topicOf(device),
      payload: timedPayload(),
      qos: 1,
      retain: false,
      properties: {},
      publisher: `device-${device}`,
    },
    publishedAtMs: service.service.nowMs(),
    hops: 0,
  };
}

/** Puts records of topics in turn into the rule queue, as publishers at the same time do. */
export async function sendRecords(service: TestService, count: number, topics: number): Promise<void> {
  const { ruleQueue } = service.service.context;
  const atOnce = 200;
  for (let sent = 0; sent < count; sent += atOnce)
    await ruleQueue?.send(
      Array.from({ length: Math.min(atOnce, count - sent) }, (_, index) =>
        benchRecord(service, (sent + index) % topics),
      ),
    );
}
