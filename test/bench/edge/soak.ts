/**
 * Real edge processes that are killed at random while clients publish at QoS 1 and 2, at edges and
 * at the gateway. At the end every acknowledged message must have arrived at every subscriber and
 * at one member of the group, none at QoS 2 twice, and the Will of each lost client:
 *
 *     npx tsx test/bench/edge/soak.ts [MINUTES] [lose-disconnects]
 *
 * `lose-disconnects`: half of the ends of back doors are not told, so that leases must run out.
 * Exits with 1 where that is not so.
 */
import { setTimeout as pause } from 'node:timers/promises';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { startBridge } from '../../../lib/bridge/index.ts';
import type { Ports } from '../../../lib/core/ports.ts';
import { createLocalLog } from '../../../lib/local/log.ts';
import {
  type EdgeProcess,
  edgeEnvironmentOf,
  killEdgeProcess,
  startEdgeProcess,
} from '../../support/edge-processes.ts';
import { type Mint, startTestService } from '../../support/service.ts';
import { unlimitedQuotas } from '../unlimited.ts';

const edgeCount = 3;
const publishersPerQos = 2;
const subscribersPerQos = 2;
const groupMembers = 3;
/** Clients with a Will, whose sessions end with their connections. */
const mortals = 6;
/** Part of the ends of back doors that is not told. */
const lostDisconnects = process.argv[3] === 'lose-disconnects' ? 0.5 : 0;
/** Pause of a publisher between two messages, in milliseconds. */
const publishEveryMs = 150;
/** Messages of a publisher without an acknowledgement. */
const maxUnacknowledged = 10;
const killAfterMs = { least: 5_000, most: 20_000 };
const restartAfterMs = { least: 500, most: 15_000 };
/** Silence after which nothing more is expected, in milliseconds. */
const settledAfterMs = 45_000;

type Qos = 1 | 2;
const qualities: readonly Qos[] = [1, 2];

interface Subscriber {
  readonly name: string;
  readonly qos: Qos;
  readonly client: MqttClient;
  readonly arrivals: Map<string, number>;
  lostSessions: number;
}

const minutes = Number(process.argv[2] ?? 5);
const endMs = Date.now() + minutes * 60_000;
const service = await startTestService({
  edge: true,
  log: createLocalLog('error', console.error),
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    edges: {
      ...ports.edges,
      edgeOfDoor: async (door) =>
        Math.random() < lostDisconnects ? undefined : ports.edges.edgeOfDoor(door),
    },
  }),
});
const mint = await service.tenant('soak', { quotas: unlimitedQuotas });
const environment = await edgeEnvironmentOf(service);
const bridge = await startBridge({ upstreamUrl: service.gateway.url, mqttPort: 0 });
const edges: EdgeProcess[] = [];
for (let index = 0; index < edgeCount; index += 1) edges.push(await startEdgeProcess(environment));
const servers = edges.map(({ port }) => ({ host: '127.0.0.1', port, protocol: 'mqtt' as const }));

let lastEventMs = Date.now();
let connects = 0;
const subscribers: Subscriber[] = [];
for (const qos of qualities) {
  for (let index = 0; index < subscribersPerQos; index += 1)
    subscribers.push(await subscribe(`sub-${qos}-${index}`, qos, 'soak/#', toEdges));
  subscribers.push(await subscribe(`gateway-sub-${qos}`, qos, 'soak/#', toGateway));
}
const members: Subscriber[] = [];
for (let index = 0; index < groupMembers; index += 1)
  members.push(await subscribe(`member-${index}`, 2, '$share/group/soak/#', toEdges));
const heir = await subscribe('heir', 1, 'will/#', toGateway);
/** Texts of the Wills of clients that were lost. */
const wills: string[] = [];
for (let index = 0; index < mortals; index += 1) await live(`mortal-${index}`, 0);

let kills = 0;
let refused = 0;
const acknowledged: string[] = [];
const unacknowledged = new Set<string>();

const publishing = qualities.flatMap((qos) =>
  Array.from({ length: publishersPerQos }, (_, index) => publish(`pub-${qos}-${index}`, qos, toEdges)).concat(
    publish(`gateway-pub-${qos}`, qos, toGateway),
  ),
);
await Promise.all([...publishing, killAtRandom()]);
console.log(`published; ${unacknowledged.size} unacknowledged, waiting for silence`);
while (Date.now() - lastEventMs < settledAfterMs && missing().length + unacknowledged.size > 0)
  await pause(500);
// What comes twice would come now.
await pause(5_000);

const lost = missing();
const twice = [...subscribers, groupOf(members)].flatMap(({ name, qos, arrivals }) =>
  [...arrivals]
    .filter(([text, count]) => qos === 2 && text.startsWith('2 ') && count > 1)
    .map(([text]) => `${name}: ${text}`),
);
const repeated = subscribers
  .flatMap(({ arrivals }) => [...arrivals.values()])
  .filter((count) => count > 1).length;
const lostSessions = [...subscribers, ...members].reduce((sum, one) => sum + one.lostSessions, 0);
console.log({
  minutes,
  lostDisconnects,
  kills,
  connects,
  wills: wills.length,
  acknowledged: acknowledged.length,
  arrived: subscribers.map(({ name, arrivals }) => `${name}: ${arrivals.size}`),
  lost: lost.length,
  twiceAtQos2: twice.length,
  twiceAtQos1: repeated - twice.length,
  unacknowledged: unacknowledged.size,
  refused,
  lostSessions,
});
for (const line of [...lost.slice(0, 20), ...twice.slice(0, 20)]) console.log(line);
const isGood = lost.length === 0 && twice.length === 0 && lostSessions === 0;
if (!isGood) for (const edge of edges) console.log(edge.output().slice(-4_000));
for (const edge of edges) await killEdgeProcess(edge);
process.exit(isGood ? 0 : 1);

/** To any edge that lives. */
async function toEdges(tenant: Mint): Promise<IClientOptions> {
  return {
    // MQTT.js begins with the first one.
    servers: servers.toSorted(() => Math.random() - 0.5),
    username: tenant.tenant,
    password: await tenant(),
    connectTimeout: 10_000,
    keepalive: 10,
  };
}

/** To the gateway, by a bridge: MQTT.js cannot mix TCP with the adapter. */
async function toGateway(tenant: Mint): Promise<IClientOptions> {
  const server = { host: '127.0.0.1', port: bridge.mqttPort ?? 0, protocol: 'mqtt' as const };
  return { ...(await toEdges(tenant)), servers: [server] };
}

/** Connects with a session that outlives connections. */
async function connect(clientId: string, way: typeof toEdges): Promise<MqttClient> {
  const options: IClientOptions = {
    ...(await way(mint)),
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
    reconnectPeriod: 300,
  };
  const client = mqtt.connect(options);
  client.on('error', () => {});
  client.on('connect', () => {
    connects += 1;
    lastEventMs = Date.now();
  });
  await new Promise<void>((resolve) => client.once('connect', () => resolve()));
  return client;
}

async function subscribe(name: string, qos: Qos, filter: string, way: typeof toEdges): Promise<Subscriber> {
  const client = await connect(name, way);
  const arrivals = new Map<string, number>();
  const subscriber: Subscriber = { name, qos, client, arrivals, lostSessions: 0 };
  client.on('connect', ({ sessionPresent }) => {
    if (!sessionPresent) subscriber.lostSessions += 1;
  });
  client.on('message', (_topic, payload) => {
    const text = payload.toString();
    arrivals.set(text, (arrivals.get(text) ?? 0) + 1);
    lastEventMs = Date.now();
  });
  await client.subscribeAsync(filter, { qos });
  return subscriber;
}

/** Text of a message: the QoS at which it is published, the publisher, a number. */
async function publish(name: string, qos: Qos, way: typeof toEdges): Promise<void> {
  const client = await connect(name, way);
  let outstanding = 0;
  for (let number = 0; Date.now() < endMs; number += 1) {
    await pause(publishEveryMs);
    if (outstanding === maxUnacknowledged) continue;
    const text = `${qos} ${name} ${number}`;
    outstanding += 1;
    unacknowledged.add(text);
    client
      .publishAsync(`soak/${name}`, text, { qos })
      .then(
        () => acknowledged.push(text),
        () => {
          refused += 1;
        },
      )
      .finally(() => {
        outstanding -= 1;
        unacknowledged.delete(text);
        lastEventMs = Date.now();
      });
  }
}

/** A client at an edge. Where it is lost its Will is due, and another one takes its place. */
async function live(name: string, number: number): Promise<void> {
  const text = `${name}-${number}`;
  const client = mqtt.connect({
    ...(await toEdges(mint)),
    clientId: text,
    protocolVersion: 5,
    reconnectPeriod: 0,
    will: { topic: `will/${name}`, payload: Buffer.from(text), qos: 1, retain: false },
  });
  client.on('error', () => {});
  let isConnected = false;
  client.once('connect', () => {
    isConnected = true;
  });
  client.once('close', async () => {
    if (isConnected) wills.push(text);
    await pause(1_000);
    if (Date.now() < endMs) await live(name, number + 1);
  });
}

/** The members of the group as one subscriber. */
function groupOf(some: readonly Subscriber[]): Pick<Subscriber, 'name' | 'qos' | 'arrivals'> {
  const arrivals = new Map<string, number>();
  for (const member of some)
    for (const [text, count] of member.arrivals) arrivals.set(text, (arrivals.get(text) ?? 0) + count);
  return { name: 'group', qos: 2, arrivals };
}

/** Kills an edge, and starts it again on its ports after a while; never all at once. */
async function killAtRandom(): Promise<void> {
  while (Date.now() < endMs) {
    await pause(between(killAfterMs));
    const index = Math.floor(Math.random() * edges.length);
    const victim = edges[index];
    if (victim === undefined) continue;
    await killEdgeProcess(victim);
    kills += 1;
    await pause(between(restartAfterMs));
    edges[index] = await startEdgeProcess(environment, victim);
    console.log(`killed ${kills}; acknowledged ${acknowledged.length}, missing ${missing().length}`);
  }
}

function between({ least, most }: { least: number; most: number }): number {
  return least + Math.random() * (most - least);
}

function missing(): string[] {
  return [
    ...[...subscribers, groupOf(members)].flatMap(({ name, arrivals }) =>
      acknowledged.filter((text) => !arrivals.has(text)).map((text) => `${name}: ${text}`),
    ),
    ...wills.filter((text) => !heir.arrivals.has(text)).map((text) => `heir: ${text}`),
  ];
}
