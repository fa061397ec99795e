import { afterEach, expect, test } from 'vitest';
import type { RuleRecord } from '../../lib/core/rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { putRule } from '../../lib/delivery/rules.ts';
import { renderDelivery } from '../../lib/rules/envelope.ts';
import { ruleEventOf } from '../../lib/rules/event.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { ruleOf } from './rules.ts';

const tenant = vouchedTenantId('acme');
/** https://www.w3.org/TR/trace-context/ */
const context: [string, string][] = [
  ['traceparent', '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  ['tracestate', 'vendor=t61rcWkgMzE,other=1'],
  ['tracestate', 'third=2'],
];
/** A name that occurs several times has its values in their order. */
const byName = { traceparent: context[0]?.[1], tracestate: context.slice(1).map(([, value]) => value) };

let metered: Metered;
afterEach(() => metered.close());

test.each([0, 1, 2] as const)(
  'the trace context of a publisher reaches subscribers and rules untouched, at QoS %i',
  async (qos) => {
    const fired: RuleRecord[] = [];
    metered = await startMetered({
      wrapPorts: (ports) => ({
        ...ports,
        ruleQueue: {
          lanes: new Set(['common']),
          send: async (records) => void fired.push(...records),
        },
      }),
    });
    const mint = await metered.service.tenant(tenant);
    await putRule(metered.service.service.context, tenant, ruleOf('r'));
    const subscriber = await metered.connect(mint, 'subscriber');
    await subscriber.send(subscribe(1, { topic: 'orders/#', qos }));
    const publisher = await metered.connect(mint, 'publisher');
    await publisher.send({
      ...publish('orders/1', 'x', { qos, ...(qos === 0 ? {} : { messageId: 1 }) }),
      properties: { userProperties: context },
    });
    if (qos === 2) await publisher.send({ cmd: 'pubrel', messageId: 1 });
    expect(await subscriber.settle()).toMatchObject([
      { topic: 'orders/1', properties: { userProperties: byName } },
    ]);
    const [record] = fired;
    if (record === undefined) throw new Error('no rule has fired');
    const rendered = renderDelivery({ form: 'envelope' }, record, ruleEventOf(record));
    const envelope = 'body' in rendered ? JSON.parse(new TextDecoder().decode(rendered.body)) : rendered;
    expect(envelope).toMatchObject({ properties: { user: byName } });
  },
);
