/**
 * A real edge process with many idle clients: its memory beside that of a TLS or TCP server which
 * does nothing else, and then its death. The store is in another process. Each client takes a
 * descriptor at both ends: see `ulimit -n`.
 *
 *     npx tsx test/bench/edge/crowd.ts [tls|tcp] [CLIENTS]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import mqtt from 'mqtt';
import { createLocalLog } from '../../../lib/local/log.ts';
import { cert, key } from '../../support/certificate.ts';
import { edgeEnvironmentOf, killEdgeProcess, startEdgeProcess } from '../../support/edge-processes.ts';
import { startTestService } from '../../support/service.ts';
import { startChild } from '../process.ts';
import { unlimitedQuotas } from '../unlimited.ts';
import type { CrowdClients } from './crowd-clients.ts';

const wills = 200;
/** One client of so many is looked at until it is settled, and all at the end: looks cost CPU. */
const sampleEvery = 50;
const settlePollMs = 500;
const giveUpMs = 300_000;
/** Time for garbage and for buffers of the connects to go, in milliseconds. */
const restMs = 5_000;

const isTls = process.argv[2] !== 'tcp';
const count = Number(process.argv[3] ?? 5_000);
let deadMs = 0;
const service = await startTestService({
  edge: true,
  log: createLocalLog('warn', (line) => {
    if (line.includes('edge lost')) deadMs = Date.now();
  }),
});
const mint = await service.tenant('crowd', { quotas: unlimitedQuotas });
const environment = {
  ...(await edgeEnvironmentOf(service)),
  EDGE_MAX_CONNECTIONS_PER_ADDRESS: '50000',
  EDGE_TLS_HANDSHAKES_PER_SECOND: '10000',
};
const tlsPort = 20_000 + Math.floor(Math.random() * 10_000);
const probe = fileURLToPath(new URL('memory-probe.ts', import.meta.url));
const living = await startEdgeProcess(environment);
const dying = await startEdgeProcess(
  {
    ...environment,
    ...(isTls && {
      EDGE_TLS_PORT: String(tlsPort),
      EDGE_CERTIFICATE_SECRET: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:edge-AbCdEf',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: await startSecrets(),
    }),
  },
  undefined,
  ['--expose-gc', '--import', 'tsx', '--import', probe],
);
const watcher = await mqtt.connectAsync(`mqtt://127.0.0.1:${living.port}`, {
  clientId: 'watcher',
  username: mint.tenant,
  password: await mint(),
  protocolVersion: 5,
});
let willCount = 0;
let lastWillMs = 0;
watcher.on('message', () => {
  willCount += 1;
  lastWillMs = Date.now();
});
await watcher.subscribeAsync('will/#', { qos: 1 });

const clients = startChild<CrowdClients>('./edge/crowd-clients.ts');
const login = { username: mint.tenant, password: await mint(), port: isTls ? tlsPort : dying.port, isTls };
const raw = await startRawServer();
console.log('sockets alone', await memoryOfCrowd(raw.child, raw.port));
raw.child.kill();
console.log('edge', await memoryOfCrowd(dying.child, login.port));

const clientIds = Array.from({ length: count }, (_, index) => `crowd-${index}`);
const killedMs = Date.now();
await killEdgeProcess(dying);
const samples = clientIds.filter((_, index) => index % sampleEvery === 0);
while (Date.now() - killedMs < giveUpMs && (await onlineOf(samples)) > 0) await pause(settlePollMs);
let online = await onlineOf(clientIds);
while (Date.now() - killedMs < giveUpMs && online > 0) {
  await pause(settlePollMs);
  online = await onlineOf(clientIds);
}
const settledMs = Date.now() - killedMs;
for (let polls = 0; willCount < wills && polls < 60; polls += 1) await pause(settlePollMs);
console.log({
  onlineAtTheEnd: online,
  declaredDeadSeconds: (deadMs - killedMs) / 1000,
  lastSettledSeconds: settledMs / 1000,
  wills: willCount,
  lastWillSeconds: (lastWillMs - killedMs) / 1000,
});
await killEdgeProcess(living);
await clients.stop();
process.exit(online === 0 && willCount === wills ? 0 : 1);

/** The first half fills what the heap has free after the start, and loads all code. */
async function memoryOfCrowd(server: ChildProcess, port: number) {
  const half = Math.floor(count / 2);
  await clients.call('join', { ...login, port, first: 0, count: half, wills });
  await pause(restMs);
  const before = await memoryOf(server);
  const { ms } = await clients.call('join', { ...login, port, first: half, count: count - half, wills });
  await pause(restMs);
  const after = await memoryOf(server);
  const eachKilobytes = (bytes: number): number => Math.round((bytes / 1024 / (count - half)) * 10) / 10;
  return {
    transport: isTls ? 'TLS' : 'TCP',
    count,
    open: await clients.call('open', undefined),
    connectsPerSecond: Math.round(((count - half) / ms) * 1000),
    residentKilobytesEach: eachKilobytes(after.rss - before.rss),
    heapKilobytesEach: eachKilobytes(after.heapUsed - before.heapUsed),
    residentMegabytes: Math.round(after.rss / 2 ** 20),
  };
}

async function startRawServer(): Promise<{ child: ChildProcess; port: number }> {
  const script = fileURLToPath(new URL('raw-server.ts', import.meta.url));
  const child = fork(script, [isTls ? 'tls' : 'tcp'], {
    execArgv: ['--expose-gc', '--import', 'tsx', '--import', probe],
  });
  const [port] = await once(child, 'message');
  return { child, port };
}

async function memoryOf(child: ChildProcess): Promise<NodeJS.MemoryUsage> {
  child.send('look');
  for (;;) {
    const [message] = await once(child, 'message');
    if (typeof message === 'object' && 'rss' in message) return message;
  }
}

/** How many of the clients have a session with an address. */
async function onlineOf(some: readonly string[]): Promise<number> {
  let found = 0;
  for (const clientId of some) {
    const session = await service.stores.sessions.get({ tenant: mint.tenant, clientId } as never);
    if (session?.address !== undefined) found += 1;
  }
  return found;
}

/** A Secrets Manager that holds the certificate. */
async function startSecrets(): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    response.end(JSON.stringify({ SecretString: JSON.stringify({ certificate: cert, key }) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
