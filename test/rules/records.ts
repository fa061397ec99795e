import type { Message } from '../../lib/core/model.ts';
import type { RuleRecord } from '../../lib/core/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { type RuleEvent, ruleEventOf } from '../../lib/rules/event.ts';

type Given = Partial<Omit<Message, 'payload'>> & { readonly payload?: string | Uint8Array };

/** A record of the rule `orders`, for a message of which a test gives what matters. */
export function recordWith({ payload = '', ...message }: Given): RuleRecord {
  return {
    tenant: vouchedTenantId('acme'),
    rule: 'orders',
    lane: 'common',
    message: {
      id: 'm-1',
      topic: 'orders/7/placed',
      qos: 1,
      retain: false,
      properties: {},
      publisher: 'till-3',
      ...message,
      payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload,
    },
    publishedAtMs: Date.UTC(2026, 10, 28, 12, 0, 0, 7),
    hops: 0,
  };
}

export function eventWith(given: Given): RuleEvent {
  return ruleEventOf(recordWith(given));
}
