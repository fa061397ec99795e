import type { SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, it } from 'vitest';
import { publishInboundBatch } from '../../lib/aws/inbound-batch.ts';
import type { BridgeRefusal } from '../../lib/bridge/options.ts';
import type { Context } from '../../lib/core/context.ts';
import type { TenantLive } from '../../lib/core/model.ts';
import type { Log, Ports } from '../../lib/core/ports.ts';
import { type ReasonName, reasons } from '../../lib/core/reasons.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { UnreadableItemError } from '../../lib/core/unreadable-item.ts';
import { type ListenerRefusal, listenerRefusals } from '../../lib/listeners/options.ts';
import { bridgeLog } from '../../lib/local/log.ts';
import { giveUp } from '../../lib/rules/run/give-up.ts';
import { notedSince } from '../broker/cases/noted.ts';
import { withBusySession } from '../broker/cases/refused-connects.ts';
import { useSuite } from '../broker/suite.ts';
import { silentLog } from '../support/silent-log.ts';
import { driven } from './driven.ts';
import { ofListeners, ofRecords, silent } from './silent.ts';

const suite = useSuite({
  settings: { ...defaultSettings, maxFiltersPerPacket: 100 },
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    sessions: {
      ...withBusySession(ports.sessions),
      allocate: async (key, generation, count) => {
        if (key.clientId === 'damaged') throw new UnreadableItemError('damaged');
        return ports.sessions.allocate(key, generation, count);
      },
    },
  }),
});

const listeners: ReadonlySet<string> = new Set(listenerRefusals);
const codes = Object.keys(reasons) as ReasonName[];

it('each code of the catalogue is noted here when it refuses or drops, or never does', () => {
  const elsewhere = new Set<string>([
    ...ofListeners,
    ...ofRecords,
    'inbound-message',
    'inbound-failed',
    ...Object.keys(silent),
  ]);
  expect(codes.filter((code) => !(code in driven) && !elsewhere.has(code))).toEqual([]);
  expect(
    Object.keys(driven).filter((code) => code in silent && !ofListeners.has(code as ReasonName)),
  ).toEqual([]);
});

describe('a refusal or drop is noted once, by its code', () => {
  it.each(Object.entries(driven))('%s', async (code, drive) => {
    const before = new Map(suite.service.refusals);
    await drive(suite);
    await suite.service.queues.idle();
    const noted = notedSince(suite.service, before);
    expect([...noted.keys()]).toContain(code);
  });

  it.each(ofRecords)('a record of a rule that is given up: %s', async (failure) => {
    const before = new Map(suite.service.refusals);
    const tenant = vouchedTenantId(suite.mint.tenant);
    const message = {
      id: `m-${failure}`,
      topic: 'a',
      payload: new Uint8Array(),
      qos: 0,
      retain: false,
      properties: {},
    } as const;
    const record = {
      tenant,
      rule: 'r',
      lane: 'common',
      message,
      publishedAtMs: 0,
      hops: 0,
      failure,
    } as const;
    await giveUp(suite.service.service.context, [record as never]);
    expect(Object.fromEntries(notedSince(suite.service, before))).toEqual({ [failure]: 1 });
  });

  it.each([...ofListeners])('a client of a bridge: %s', (code) => {
    const { log, refusals } = countingLog();
    const bridge = bridgeLog(log);
    // Listeners report all that they refuse, and log some of it.
    if (listeners.has(code)) bridge.refused(code as ListenerRefusal);
    bridge.log({ event: code as BridgeRefusal, transport: 'tcp' });
    expect(Object.fromEntries(refusals)).toEqual({ [code]: 1 });
  });

  it.each([
    ['inbound-message', '{', 1],
    ['tenant-unknown', '{"tenant":"nobody","topic":"a"}', 1],
    ['tenant-inactive', '{"tenant":"asleep","topic":"a"}', 900],
    ['inbound-failed', '{"tenant":"broken","topic":"a"}', 900],
    ['client-id', `{"tenant":"acme","topic":"a","clientId":"${'x'.repeat(300)}"}`, 1],
    ['publish-not-authorized', '{"tenant":"acme","topic":"$SYS/a"}', 1],
  ] as const)(
    'a message of the inbound queue that becomes a dead letter: %s',
    async (code, body, receiveCount) => {
      const { log, refusals } = countingLog();
      const { context } = suite.service.service;
      const tenants: Context['tenants'] = {
        ...context.tenants,
        readLive(tenant, consistent) {
          if (tenant === 'broken') throw new Error('the store is away');
          if (tenant === 'asleep') return Promise.resolve({ status: 'suspended' } as TenantLive);
          return context.tenants.readLive(tenant, consistent);
        },
      };
      const sqs = { send: () => Promise.resolve({}) } as unknown as SQSClient;
      const record = { messageId: 'm', body, receiptHandle: 'r', receiveCount };
      const left = await publishInboundBatch(
        {
          context: { ...context, log, tenants },
          sqs,
          queueUrl: 'q',
          deadLetterUrl: 'd',
          flush: async () => {},
        },
        [record],
      );
      expect(left).toEqual([]);
      expect(Object.fromEntries(refusals)).toEqual({ [code]: 1 });
    },
  );
});

function countingLog() {
  const refusals = new Map<string, number>();
  const log: Log = {
    ...silentLog,
    countRefusal: (code, count = 1) => void refusals.set(code, (refusals.get(code) ?? 0) + count),
  };
  return { log, refusals };
}
