import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { access, accessOf, edgeAccess } from '../../cdk/access.ts';
import { type Edge, startEdge } from '../../lib/edge/index.ts';
import type { StoreCall } from '../../lib/local/dynamodb/call.ts';
import type { EngineRequestHandler } from '../../lib/local/dynamodb/index.ts';
import { intercept } from '../../lib/local/dynamodb/intercept.ts';
import { localEdgeParts, localTables } from '../../lib/local/service.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';

/** The function that makes a call to the store; none: the process of the edge. */
const { running, within } = await vi.hoisted(() => import('../support/running-function.ts'));
vi.mock(import('../../functions/timer.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createTimerHandler: within('timer', module.createTimerHandler) as typeof module.createTimerHandler,
  };
});
vi.mock(import('../../functions/fanout.ts'), async (original) => {
  const module = await original();
  return {
    ...module,
    createFanoutHandler: within('fanout', module.createFanoutHandler) as typeof module.createFanoutHandler,
  };
});
vi.mock(import('../../functions/back-door.ts'), async (original) => {
  const module = await original();
  const handler = within('backDoor', module.createBackDoorHandler);
  return { ...module, createBackDoorHandler: handler as typeof module.createBackDoorHandler };
});

/** `connections PutItem`, by who calls. */
const calls: Record<string, Set<string>> = { edge: new Set(), timer: new Set(), backDoor: new Set() };
let isRecording = false;

function record({ operation, tables }: StoreCall): void {
  if (!isRecording) return;
  for (const kind of tableNames.filter((one) => tables.includes(localTables[one])))
    calls[running.getStore() ?? 'edge']?.add(`${kind} ${operation}`);
}

let service: TestService;
let edge: Edge;
const clients: MqttClient[] = [];

beforeAll(async () => {
  service = await startTestService({
    edge: true,
    wrapStore: (handler) =>
      intercept(handler as EngineRequestHandler, { before: async (call) => record(call) }),
  });
  const mint = await service.tenant('calls');
  const bounded = await service.tenant('bounded', { quotas: { connections: 10 } });
  isRecording = true;
  edge = await startEdge({ ...localEdgeParts(service), log: service.service.log, mqttPort: 0 });
  await useEverything(mint, bounded);
});
afterAll(async () => {
  for (const client of clients) await client.endAsync(true);
  await edge.close();
  await service.close();
});

async function connect(mint: Mint, clientId: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${edge.mqttPort}`, {
    username: mint.tenant,
    password: await mint(),
    protocolVersion: 5,
    reconnectPeriod: 0,
    clientId,
    ...options,
  });
  clients.push(client);
  return client;
}

const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };

async function useEverything(mint: Mint, bounded: Mint): Promise<void> {
  const watcher = await connect(mint, 'watcher');
  const seen = inbox(watcher);
  await watcher.subscribeAsync('wills/#', { qos: 1 });
  const asleep = await connect(mint, 'asleep', kept);
  await asleep.subscribeAsync(['to/+/asleep', '$share/group/to/share'], { qos: 2 });
  await asleep.endAsync();
  const sender = await connect(mint, 'sender', kept);
  for (const qos of [0, 1, 2] as const)
    await sender.publishAsync('to/one/asleep', 'x', { qos, retain: true });
  await sender.publishAsync('to/large/asleep', 'x'.repeat(60_000), { qos: 2 });
  await sender.publishAsync('to/share', 'x', { qos: 1 });
  await connect(bounded, 'bounded');
  const awake = await connect(mint, 'asleep', kept);
  await awake.unsubscribeAsync('$share/group/to/share');
  const again = await connect(mint, 'asleep', { clean: true });
  await again.subscribeAsync(['to/+/asleep', 'to/one/asleep'], { qos: 1 });
  await sender.publishAsync('to/one/asleep', '', { qos: 1, retain: true });
  const will = { topic: 'wills/ended', payload: Buffer.from('gone'), qos: 1 as const, retain: true };
  const ended = await connect(mint, 'ended', { will });
  await ended.subscribeAsync(['a/+/b', 'c'], { qos: 1 });
  ended.stream.destroy();
  await seen.take(1);
  await service.queues.idle();
}

const grantedTo = ({ tables }: Pick<typeof edgeAccess, 'tables'>): string[] =>
  Object.entries(tables).flatMap(([kind, actions]) => actions.map((action) => `${kind} ${action}`));

describe('calls and grants with an edge', () => {
  test.each([
    ['the process', 'edge', edgeAccess],
    ['the function of timers', 'timer', accessOf('timer', { edge: true, rules: false })],
    ['the function of back doors', 'backDoor', access.backDoor],
  ])('%s calls nothing that it is not granted', (_name, caller, granted) => {
    const called = [...(calls[caller] ?? [])];
    expect(called.filter((call) => !grantedTo(granted).includes(call))).toEqual([]);
  });

  test('the process calls most of what it is granted', () => {
    const idle = grantedTo(edgeAccess).filter((call) => !calls.edge?.has(call));
    expect(idle.length).toBeLessThan(grantedTo(edgeAccess).length / 2);
  });
});
