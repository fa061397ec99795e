import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { accessOf } from '../../cdk/access.ts';
import { metrics } from '../../lib/core/metrics.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { inboundQueueName } from '../../lib/local/queue-definitions.ts';
import { localTables } from '../../lib/local/service.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';

/** The function that makes a call to the store: the whole service runs in this process. */
const { running, within } = await vi.hoisted(() => import('../support/running-function.ts'));
vi.mock(import('../../functions/rule.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createRuleHandler: within('rule', module.createRuleHandler) as typeof module.createRuleHandler,
  };
});
vi.mock(import('../../functions/own-rules.ts'), async (original) => {
  const module = await original();
  const handler = within('ownRules', module.createOwnRulesHandler);
  return { ...module, createOwnRulesHandler: handler as typeof module.createOwnRulesHandler };
});
vi.mock(import('../../functions/inbound.ts'), async (original) => {
  const module = await original();
  const handler = within('inbound', module.createInboundHandler);
  return { ...module, createInboundHandler: handler as typeof module.createInboundHandler };
});
vi.mock(import('../../functions/admin.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createAdminHandler: within('admin', module.createAdminHandler) as typeof module.createAdminHandler,
  };
});

const names = ['rule', 'ownRules', 'inbound', 'admin'] as const;
/** `messages PutItem`, `sessions Query byTenant`, by who calls. */
const calls = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));

function record({ operation, tables, input }: StoreCall): void {
  const index = typeof input.IndexName === 'string' ? ` ${input.IndexName}` : '';
  for (const kind of tableNames.filter((one) => tables.includes(localTables[one])))
    calls.get(running.getStore() ?? '')?.add(`${kind} ${operation}${index}`);
}

let service: TestService;
/** What the webhook answers. */
let answer:
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused'; readonly code: 'rule-target-refused' }
  | { readonly kind: 'retry'; readonly code: 'rule-target-unavailable' } = { kind: 'delivered' };

beforeAll(async () => {
  service = await startTestService({
    settings: {
      ...defaultSettings,
      ruleRetrySeconds: 0,
      inlineAudience: 2,
      fanoutSlices: 1,
      sliceBatchClients: 1,
    },
    ruleTargets: {
      webhook: { maxBatch: 1, deliver: async (_, deliveries) => deliveries.map(() => answer) },
    },
    wrapStore: (handler) =>
      intercept(handler as EngineRequestHandler, { before: async (call) => record(call) }),
  });
  const acme = await service.tenant('acme');
  await useRules(acme);
  await useOwnRules();
  await useInbound(acme);
});
afterAll(() => service.close());

const secrets = [1, 2].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);
const hook = (filter: string) => ({ filter, target: { kind: 'webhook', url: 'https://example.com/in' } });

/** Calls an API, which must succeed. */
async function call(base: string, method: string, path: string, body?: unknown, headers = {}): Promise<void> {
  const { status } = await fetch(`${base}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(status, `${method} ${path}`).toBeLessThan(300);
}

/** Deliveries, an outage with waiting rows, failures, redrive, and republished messages. */
async function useRules(acme: Mint): Promise<void> {
  const api = (method: string, path: string, body?: unknown) =>
    call(`${service.adminUrl}/tenants/acme`, method, path, body);
  await api('PUT', '/rules/hook', hook('o/+'));
  await api('PUT', '/rules/copy', {
    filter: 'o/+',
    target: { kind: 'republish', topic: 'copy/<$.topic>', qos: 1, retain: true },
  });
  for (const secret of secrets) await api('PUT', '/rules/hook/secret', { secret });
  await api('DELETE', '/rules/hook/secret/previous');
  const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };
  const away = await service.connect(acme, { clientId: 'away', ...kept });
  await away.subscribeAsync(['copy/#', '$share/group/copy/#'], { qos: 1 });
  await away.endAsync();
  const members = await Promise.all(
    ['one', 'two', 'three'].map((clientId) => service.connect(acme, { clientId, ...kept })),
  );
  for (const member of members) await member.subscribeAsync('copy/+/+', { qos: 1 });
  const [publisher] = members;
  const publish = async (count: number) => {
    for (let number = 0; number < count; number += 1)
      await publisher?.publishAsync(`o/${number % 3}`, 'x', { qos: 1 });
    await service.queues.idle();
  };
  await publish(3);
  answer = { kind: 'refused', code: 'rule-target-refused' };
  await publish(2);
  answer = { kind: 'retry', code: 'rule-target-unavailable' };
  const parked = publish(12);
  const isParked = () => expect(service.counters.get(metrics.ruleRecordsParked) ?? 0).toBeGreaterThan(0);
  await vi.waitFor(isParked, { timeout: 20_000, interval: 20 });
  answer = { kind: 'delivered' };
  await parked;
  await api('POST', '/rules/hook/pause');
  await publish(1);
  await api('POST', '/rules/hook/resume');
  await service.queues.idle();
  await api('GET', '/rules/hook/failures');
  await api('POST', '/rules/hook/redrive', { all: true });
  await service.queues.idle();
  for (const path of ['/rules', '/rules/hook']) await api('GET', path);
  await api('POST', '/rules/hook/test', { topic: 'o/1', payload: 'x' });
  await api('DELETE', '/rules/copy');
}

async function useOwnRules(): Promise<void> {
  const full = await service.tenant('full', { quotas: { shapes: 1 } });
  const token = await full({ sub: 'ann', mqtt: { subscribe: ['ann/#'], rules: true } });
  const base = new URL('/rules/mine', service.publishUrl).href;
  const api = (method: string, path: string, body?: unknown) =>
    call(base, method, path, body, { authorization: `Bearer ${token}` });
  const client = await service.connect(full);
  await client.subscribeAsync('+/a');
  await client.unsubscribeAsync('+/a');
  await api('PUT', '', hook('ann/#'));
  for (const secret of secrets) await api('PUT', '/secret', { secret });
  await api('DELETE', '/secret/previous');
  await api('GET', '');
  await api('DELETE', '');
}

async function useInbound(acme: Mint): Promise<void> {
  const client = await service.connect(acme, { clientId: 'listener' });
  const received = inbox(client);
  await client.subscribeAsync('in/#', { qos: 1 });
  const sqs = new SQSClient({
    requestHandler: service.queues.requestHandler,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  for (const [topic, qos, retain] of [
    ['in/0', 0, false],
    ['in/1', 1, true],
    ['in/2', 2, false],
  ] as const)
    await sqs.send(
      new SendMessageCommand({
        QueueUrl: service.queues.urlOf(inboundQueueName),
        MessageBody: JSON.stringify({ tenant: 'acme', topic, qos, retain, payloadText: 'x' }),
      }),
    );
  await received.take(3);
  sqs.destroy();
}

const granted = (name: (typeof names)[number]): string[] => {
  const { tables, indexes = {} } = accessOf(name, { edge: false, rules: true });
  return [
    ...Object.entries(tables).flatMap(([kind, actions]) => actions.map((action) => `${kind} ${action}`)),
    ...Object.entries(indexes).flatMap(([kind, of]) => of.map((index) => `${kind} Query ${index}`)),
  ];
};

describe('calls and grants of rules and the inbound queue', () => {
  test.each(names)('%s calls something, and nothing that it is not granted', (name) => {
    const used = [...(calls.get(name) ?? [])];
    expect(used.filter((call) => !granted(name).includes(call))).toEqual([]);
    expect(used.length).toBeGreaterThan(0);
  });
});
