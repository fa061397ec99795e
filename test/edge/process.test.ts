import { once } from 'node:events';
import mqtt, { type IClientOptions } from 'mqtt';
import { afterEach, expect, it, vi } from 'vitest';
import { edgeEnvironmentOf, killEdgeProcess, startEdgeProcess } from '../support/edge-processes.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';

let ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.reverse()) await end();
  ending = [];
});

/** A service whose tables, queues and APIs another process reaches over HTTP. */
async function startReachable() {
  const service = await startTestService({ edge: true });
  ending.push(() => service.close());
  return { service, environment: await edgeEnvironmentOf(service) };
}

async function startProcess(environment: Readonly<Record<string, string>>) {
  const edge = await startEdgeProcess(environment);
  ending.push(() => killEdgeProcess(edge));
  return edge;
}

async function connect(port: number, mint: Mint, options: IClientOptions = {}) {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    username: mint.tenant,
    password: await mint(),
    protocolVersion: 5,
    reconnectPeriod: 0,
    ...options,
  });
  client.on('error', () => {});
  ending.push(() => client.endAsync(true));
  return client;
}

async function onlineClients({ stores }: TestService, mint: Mint, clientIds: readonly string[]) {
  const key = (clientId: string) => ({ tenant: mint.tenant, clientId }) as never;
  const sessions = await Promise.all(clientIds.map((clientId) => stores.sessions.get(key(clientId))));
  return sessions.filter((session) => session?.address !== undefined).length;
}

it('serves clients by its environment, and drains on SIGTERM', async () => {
  const { service, environment } = await startReachable();
  const mint = await service.tenant('acme');
  const { child, port, healthPort } = await startProcess({ ...environment, EDGE_METRICS: 'on' });
  const subscriber = await connect(port, mint, { clientId: 'sub' });
  const got = inbox(subscriber);
  await subscriber.subscribeAsync('a/#', { qos: 1 });
  await (await connect(port, mint)).publishAsync('a/b', 'hello', { qos: 1 });
  expect((await got.next()).text).toBe('hello');
  const metrics = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  expect(metrics).toContain('\nwisp_clients 2\n');
  expect(metrics).toContain('\nwisp_messages_received_total 1\n');
  expect(metrics).toMatch(/\n# EOF\n$/);
  const reason = new Promise((resolve) =>
    subscriber.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  child.kill('SIGTERM');
  expect(await reason).toBe(0x8b);
  expect(await once(child, 'exit')).toEqual([0, null]);
}, 60_000);

it('whose process is killed has its clients treated as lost by the others', async () => {
  const { service, environment } = await startReachable();
  const mint = await service.tenant('acme');
  const dying = await startProcess(environment);
  const living = await startProcess(environment);
  const watcher = await connect(living.port, mint, { clientId: 'watcher' });
  const got = inbox(watcher);
  await watcher.subscribeAsync('will/#', { qos: 1 });
  const clientIds = Array.from({ length: 30 }, (_, index) => `dying-${index}`);
  for (const clientId of clientIds)
    await connect(dying.port, mint, {
      clientId,
      will: { topic: `will/${clientId}`, payload: Buffer.from('lost'), qos: 1, retain: false },
    });
  expect(await onlineClients(service, mint, clientIds)).toBe(30);
  dying.child.kill('SIGKILL');
  const wills = await got.take(30);
  expect(new Set(wills.map(({ topic }) => topic)).size).toBe(30);
  await vi.waitFor(async () => expect(await onlineClients(service, mint, clientIds)).toBe(0));
}, 90_000);
