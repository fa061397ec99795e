import type { Rule, RuleRecord, RuleTarget } from '../../../lib/core/rules.ts';
import { vouchedTenantId } from '../../../lib/core/tenant-id.ts';
import type { RuleDelivery } from '../../../lib/rules/target.ts';

const tenant = vouchedTenantId('acme');

/** A rule with a target; the filter is of no account here. */
export function ruleWith(target: RuleTarget, name = 'orders'): Rule {
  return {
    name,
    filter: '#',
    send: { form: 'payload' },
    target,
    status: 'active',
    retryHours: 24,
    createdAtMs: 0,
  };
}

/** The delivery of one message. */
export function deliveryOf(
  id: string,
  body: string | Uint8Array,
  options: { readonly topic?: string; readonly contentType?: string } = {},
): RuleDelivery {
  const { topic = 'orders/7', contentType = 'application/json' } = options;
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  const record: RuleRecord = {
    tenant,
    rule: 'orders',
    lane: 'common',
    message: { id, topic, payload: bytes, qos: 1 } as unknown as RuleRecord['message'],
    publishedAtMs: 1_700_000_000_000,
    hops: 0,
  };
  return {
    id: `${id}.orders`,
    record,
    event: {
      id,
      tenant,
      topic,
      levels: topic.split('/'),
      time: '2023-11-14T22:13:20.000Z',
      qos: 1,
      retain: false,
      properties: { user: {} },
    },
    body: bytes,
    contentType,
  };
}
