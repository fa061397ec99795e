import { startEdge } from '../../../lib/edge/index.ts';
import { createManualClock } from '../../../lib/local/clock.ts';
import { createMeter, type Meter } from '../../../lib/local/dynamodb/meter.ts';
import { localEdgeParts } from '../../../lib/local/service.ts';
import { noBackDoor } from '../../support/no-back-door.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { openRawTcp } from '../../support/raw-tcp-client.ts';
import { startTestService } from '../../support/service.ts';
import { countedTimers } from '../counted-timers.ts';
import { connectPacket } from '../metered.ts';
import { floorUsd, usd } from '../prices.ts';
import type { Run, Table } from '../report.ts';
import { unlimitedQuotas } from '../unlimited.ts';

interface UseUnits {
  readonly readUnits: number;
  readonly writeUnits: number;
  readonly timers: number;
  /** Messages to back doors. */
  readonly posts: number;
  /** SQS requests for slices of large audiences, with those of the worker. */
  readonly fifoRequests: number;
}

const topic = 'devices/d1/state';
const payload = Buffer.alloc(200, 'x');
const idleHours = 24;

/** Units of the workloads W1 to W5 at an edge: what AWS bills beside the process itself. */
export async function measureUnits({ quick, progress }: Run): Promise<{
  readonly tables: Table[];
  readonly data: Readonly<Record<string, UseUnits>>;
}> {
  const rounds = quick ? 5 : 100;
  const audience = quick ? 20 : 1_000;
  const measured = new Map<string, UseUnits>();
  const metered = await startMeteredEdge('real time');
  try {
    for (const qos of [0, 1] as const) {
      const title = qos === 0 ? 'W1: 1 → 1, QoS 0' : 'W2: 1 → 1, QoS 1';
      progress(title);
      const subscriber = await metered.connect(`subscriber${qos}`);
      await subscribe(subscriber, `${topic}/${qos}`, qos);
      const publisher = await metered.connect(`publisher${qos}`);
      const round = async (): Promise<void> => {
        await publish(publisher, `${topic}/${qos}`, qos);
        const [message] = await subscriber.take(1);
        if (qos === 1) await subscriber.send({ cmd: 'puback', messageId: Number(message?.messageId) });
      };
      await round();
      measured.set(title, perOne(await metered.measure(() => repeat(rounds, round)), rounds));
      await Promise.all([subscriber.close(), publisher.close()]);
    }
    progress(`W3: 1 → ${audience}, QoS 0`);
    const swarm: RawClient[] = [];
    for (let index = 0; index < audience; index += 1) {
      const client = await metered.connect(`swarm${index}`);
      await subscribe(client, `${topic}/many`, 0);
      swarm.push(client);
    }
    const publisher = await metered.connect('many');
    const round = async (): Promise<void> => {
      await publish(publisher, `${topic}/many`, 0);
      await Promise.all(swarm.map((client) => client.take(1)));
    };
    await round();
    const manyRounds = quick ? 2 : 10;
    measured.set(
      'W3: 1 → 1,000, QoS 0',
      perOne(await metered.measure(() => repeat(manyRounds, round)), manyRounds * audience),
    );
    await Promise.all(swarm.map((client) => client.close()));
  } finally {
    await metered.close();
  }
  const hours = await startMeteredEdge('hours in moments');
  try {
    progress(`W5: idle, ${idleHours} hours`);
    const connections = quick ? 3 : 20;
    const life = await hours.measure(async () => {
      const idle: RawClient[] = [];
      for (let index = 0; index < connections; index += 1) idle.push(await hours.connect(`idle${index}`, 60));
      await hours.pass(idleHours, idle);
      await Promise.all(idle.map((client) => client.close()));
      await hours.settled();
    });
    measured.set(`W5: idle, a connection hour of ${idleHours}`, perOne(life, connections * idleHours));
  } finally {
    await hours.close();
  }
  return { tables: [unitTable(measured), priceTable(measured)], data: Object.fromEntries(measured) };
}

function unitTable(measured: ReadonlyMap<string, UseUnits>): Table {
  return {
    title: 'Metered units at an edge: W1 to W3 per delivered message, W5 per connection hour',
    columns: ['workload', 'RRU', 'WRU', 'timers', 'SQS FIFO requests', 'back-door messages'],
    rows: [...measured].map(([title, { readUnits, writeUnits, timers, fifoRequests, posts }]) => [
      title,
      readUnits,
      writeUnits,
      timers,
      fifoRequests,
      posts,
    ]),
  };
}

function priceTable(measured: ReadonlyMap<string, UseUnits>): Table {
  const dollars = (units: UseUnits) =>
    (units.readUnits * usd('ddb_rru') +
      units.writeUnits * usd('ddb_wru') +
      units.timers * usd('sqs_std') +
      units.fifoRequests * usd('sqs_fifo') +
      units.posts * usd('apigw_ws_msg')) *
    1e6;
  return {
    title: 'Dollars per million, beside the fixed price of the processes',
    columns: ['workload', 'Wisp edge', 'floor of API Gateway at 60 s', 'AWS IoT Core'],
    rows: [...measured].map(([title, units]) => {
      const isIdle = title.startsWith('W5');
      const iot = isIdle
        ? 60 * usd('iot_min') * 1e6
        : (title.startsWith('W3') ? 1 : 2) * usd('iot_msg') * 1e6;
      return [title, dollars(units), isIdle ? floorUsd(60, 2) * 1e6 : '–', iot];
    }),
  };
}

/** An edge and its service in this process, with a meter between them and the store. */
async function startMeteredEdge(time: 'real time' | 'hours in moments') {
  const clock = time === 'real time' ? undefined : createManualClock();
  let meter: Meter | undefined;
  let timers = 0;
  const service = await startTestService({
    edge: true,
    ...(clock === undefined ? {} : { clock }),
    wrapStore: (handler) => {
      meter = createMeter(handler);
      return meter.requestHandler;
    },
    wrapPorts: (ports) => ({
      ...ports,
      timers: countedTimers(ports.timers, (count) => {
        timers += count;
      }),
    }),
  });
  const mint = await service.tenant('bench', { quotas: unlimitedQuotas });
  const edge = await startEdge({
    ...localEdgeParts(service),
    log: service.service.log,
    mqttPort: 0,
    maxConnectionsPerAddress: Number.POSITIVE_INFINITY,
    // The price of its lease is part of the price of a process (docs/edge.md). No lease outlives a
    // clock that jumps.
    ...(clock === undefined ? {} : { openBackDoor: async () => noBackDoor }),
  });
  const fifo = service.queues.names.filter((name) => name.endsWith('.fifo'));
  const fifoRequests = () => fifo.reduce((sum, name) => sum + service.queues.meters(name).meteredRequests, 0);
  const posts = () => service.backDoor?.gateway.meters.posts ?? 0;
  const clients: RawClient[] = [];
  return {
    async connect(clientId: string, keepalive = 0): Promise<RawClient> {
      const client = await openRawTcp(edge.mqttPort ?? 0);
      const password = Buffer.from(await mint({ exp: undefined }));
      await client.send(await connectPacket(mint, clientId, { keepalive, password }));
      clients.push(client);
      return client;
    },
    async measure(work: () => Promise<unknown>): Promise<UseUnits> {
      await service.queues.idle();
      meter?.reset();
      timers = 0;
      const before = { fifoRequests: fifoRequests(), posts: posts() };
      await work();
      await service.queues.idle();
      const { readUnits = 0, writeUnits = 0 } = meter?.totals() ?? {};
      return {
        readUnits,
        writeUnits,
        timers,
        fifoRequests: fifoRequests() - before.fifoRequests,
        posts: posts() - before.posts,
      };
    },
    /** Lets time pass, while clients send PINGREQ once a minute. */
    async pass(hours: number, idle: readonly RawClient[]): Promise<void> {
      for (let minute = 0; minute < hours * 60; minute += 1) {
        await clock?.advance(60_000);
        await Promise.all(idle.map((client) => client.send({ cmd: 'pingreq' })));
      }
    },
    async settled(): Promise<void> {
      while (edge.connections() > clients.filter(({ isClosed }) => !isClosed).length)
        await new Promise((resolve) => setImmediate(resolve));
    },
    async close(): Promise<void> {
      await edge.close();
      await service.close();
    },
  };
}

async function subscribe(client: RawClient, filter: string, qos: 0 | 1): Promise<void> {
  await client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: filter, qos }] } as never);
}

async function publish(client: RawClient, name: string, qos: 0 | 1): Promise<void> {
  const identified = qos === 0 ? {} : { messageId: 1 };
  await client.send({
    cmd: 'publish',
    topic: name,
    payload,
    qos,
    dup: false,
    retain: false,
    ...identified,
  } as never);
}

async function repeat(count: number, work: () => Promise<void>): Promise<void> {
  for (let round = 0; round < count; round += 1) await work();
}

function perOne(units: UseUnits, count: number): UseUnits {
  return {
    readUnits: units.readUnits / count,
    writeUnits: units.writeUnits / count,
    timers: units.timers / count,
    fifoRequests: units.fifoRequests / count,
    posts: units.posts / count,
  };
}
