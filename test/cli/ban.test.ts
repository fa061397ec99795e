import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startBridge } from '../../lib/bridge/index.ts';
import { run } from '../../lib/cli/program.ts';
import { runEdge } from '../../lib/cli/run-edge.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { cleanUps, startEmulator } from './emulator.ts';
import { announce, outputsOf, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let mint: Mint;
/** URLs of what clients connect to. */
const urls: Record<string, string> = {};
const running: (() => unknown)[] = [];

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService({ edge: true });
  await announce(service, home.path);
  mint = await service.tenant('acme');
  const bridge = await startBridge({ upstreamUrl: service.url, mqttPort: 0, log: () => {} });
  running.push(bridge.close);
  const terminal = recordingTerminal();
  const endpoint = await startEmulator(outputsOf(service), service, []);
  running.push(
    await runEdge(
      {
        stack: 'Wisp',
        endpoint,
        mqttPort: 0,
        healthPort: 0,
        host: '127.0.0.1',
        maxConnections: 10,
        logLevel: 'silent',
        drainSeconds: 0,
      },
      terminal,
    ),
  );
  urls.bridge = `mqtt://127.0.0.1:${bridge.mqttPort}`;
  urls.edge = /mqtt:\/\/\S+/.exec(terminal.stdout.join('\n'))?.[0] ?? '';
  running.push(...cleanUps.splice(0));
}, 30_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const close of running) await close();
  await service.close();
  await home.remove();
});
beforeEach(() => useHome(home.path));

async function wisp(...words: readonly string[]): Promise<string> {
  const terminal = recordingTerminal();
  expect(await run([...words], terminal), terminal.stderr.join('\n')).toBe(0);
  return terminal.stdout.join('\n');
}

/** Connects MQTT.js. @returns the client, or the code with which it is refused. */
async function connect(
  way: string,
  clientId: string,
  more: IClientOptions = {},
): Promise<MqttClient | number> {
  const password = await mint();
  const client = mqtt.connect(urls[way] ?? '', {
    username: mint.tenant,
    password,
    protocolVersion: 5,
    reconnectPeriod: 0,
    clientId,
    ...more,
  });
  return new Promise((resolve, reject) => {
    client.once('connect', () => resolve(client));
    client.once('error', (error: Error & { readonly code?: number }) => {
      client.end(true);
      if (typeof error.code === 'number') resolve(error.code);
      else reject(error);
    });
  });
}

// The bridge opens a connection of the gateway for each of its clients.
describe.each(['bridge', 'edge'])('a client of the %s', (way) => {
  it('is banned, listed, and let in again', async () => {
    const clientId = `rogue-${way}`;
    const client = await connect(way, clientId);
    if (typeof client === 'number') throw new Error(`refused with ${client}`);
    const told = new Promise((resolve) => client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)));
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    expect(await wisp('ban', 'acme', '--client', clientId, '--for', '1h', '--reason', 'noisy')).toMatch(
      /^Banned until \d{4}-.* Its connection has ended\.$/,
    );
    // 5.0 has Banned in CONNACK alone.
    expect(await told).toBe(0x98);
    await closed;
    expect(await connect(way, clientId)).toBe(0x8a);
    expect(await connect(way, clientId, { protocolVersion: 4 })).toBe(5);
    const other = await connect(way, `other-${way}`);
    expect(other).toBeTypeOf('object');
    if (typeof other === 'object') await other.endAsync(true);
    expect(await wisp('bans', 'acme')).toMatch(new RegExp(`^until \\S+  operator  ${clientId}  noisy$`, 'm'));
    expect(await wisp('unban', 'acme', '--client', clientId)).toBe('It may connect again.');
    const again = await connect(way, clientId);
    if (typeof again === 'number') throw new Error(`refused with ${again}`);
    await again.endAsync(true);
    expect(await wisp('bans', 'acme')).not.toContain(clientId);
  }, 20_000);
});

it('a client that connects too often is banned by the quota', async () => {
  await wisp('quotas', 'acme', 'banFlappingSeconds=600');
  const codes = new Set<number>();
  // Its rate lets it in again once a second, if it is not banned.
  while (!codes.has(0x8a)) {
    const client = await connect('bridge', 'flap');
    if (typeof client === 'number') codes.add(client);
    else await client.endAsync();
  }
  expect([...codes]).toEqual([0x9f, 0x8a]);
  expect(await wisp('bans', 'acme')).toMatch(/^until \S+ {2}flapping {2}flap {2}it connects too often$/m);
}, 30_000);
