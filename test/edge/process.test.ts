import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import mqtt, { type IClientOptions } from 'mqtt';
import { afterEach, expect, it, vi } from 'vitest';
import { tableVariables } from '../../lib/aws/environment.ts';
import { tableNames } from '../../lib/store/schema.ts';
import { inbox, localTables, type Mint, startTestService, type TestService } from '../support/service.ts';

const main = fileURLToPath(new URL('../../lib/edge/main.ts', import.meta.url));
let ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.reverse()) await end();
  ending = [];
});

/** A service whose tables, queues and APIs another process reaches over HTTP. */
async function startReachable() {
  const service = await startTestService({ edge: true });
  ending.push(() => service.close());
  const queues = await service.queues.listen();
  const queueUrl = (name: string) => `${queues.url}/000000000000/${name}`;
  const { backDoor } = service;
  if (backDoor === undefined) throw new Error('the service has no back door');
  const environment: Record<string, string> = {
    ...Object.fromEntries(tableNames.map((kind) => [tableVariables[kind], localTables[kind]])),
    AWS_ENDPOINT_URL_DYNAMODB: await service.exposeTables(),
    AWS_REGION: backDoor.region,
    AWS_ACCESS_KEY_ID: backDoor.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: backDoor.credentials.secretAccessKey,
    TIMER_QUEUE_URL: queueUrl('wisp-timers'),
    LOOK_QUEUE_URL: queueUrl('wisp-looks'),
    FANOUT_QUEUE_URL: queueUrl('wisp-fanout.fifo'),
    CALLBACK_ENDPOINT: service.gateway.callbackUrl,
    BACK_DOOR_URL: backDoor.url,
    BACK_DOOR_ENDPOINT: backDoor.gateway.callbackUrl,
    EDGE_HOST: '127.0.0.1',
    EDGE_STOP_SECONDS: '1',
  };
  return { service, environment };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the process that a container runs, and waits until it is healthy. */
async function startProcess(environment: Record<string, string>) {
  const [port, healthPort] = [await freePort(), await freePort()];
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    env: {
      PATH: process.env.PATH ?? '',
      ...environment,
      EDGE_MQTT_PORT: String(port),
      EDGE_HEALTH_PORT: String(healthPort),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
  ending.push(() => stop(child));
  await vi.waitFor(
    async () => {
      expect(child.exitCode, output).toBeNull();
      expect((await fetch(`http://127.0.0.1:${healthPort}/health`)).status).toBe(200);
    },
    { timeout: 30_000, interval: 100 },
  );
  return { child, port, healthPort };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
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
  const { child, port } = await startProcess(environment);
  const subscriber = await connect(port, mint, { clientId: 'sub' });
  const got = inbox(subscriber);
  await subscriber.subscribeAsync('a/#', { qos: 1 });
  await (await connect(port, mint)).publishAsync('a/b', 'hello', { qos: 1 });
  expect((await got.next()).text).toBe('hello');
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
