/**
 * Child process that generates load with clients of its own, which cost little CPU: MQTT 3.1.1 over
 * TCP or binary WebSocket.
 */
import { connect, type Socket } from 'node:net';
import { type Packet, parser as packetParser, writeToStream } from 'mqtt-packet';
import { createWebSocketStream, WebSocket } from 'ws';
import { serve } from '../process.ts';
import type { Listening } from '../throughput/listening.ts';

type Qos = 0 | 1 | 2;

export interface LoadPlan {
  readonly transport: 'tcp' | 'ws';
  readonly listening: Listening;
  readonly qos: Qos;
  readonly publishers: number;
  /** Subscribers to the topic of each publisher. */
  readonly subscribers: number;
  /** Whether these share their subscription, so that each message goes to one of them. */
  readonly shared: boolean;
  readonly warmUpMs: number;
  readonly durationMs: number;
}

export interface LoadOutcome {
  readonly delivered: number;
  readonly elapsedMs: number;
}

const payload = Buffer.alloc(128, 'x');
/**
 * Messages of a publisher that are neither acknowledged (QoS 1, 2) nor delivered (QoS 0) to all
 * subscribers.
 */
const window = 20;
/** How many times as long as asked for a measurement may last. */
const maxRounds = 6;

let isMeasuring = false;
let delivered = 0;
let stop: (() => void)[] = [];

const offered = {
  /** Connects all clients and starts publishing. Resolves after the warm-up. */
  async start(plan: LoadPlan): Promise<void> {
    const run = Math.random().toString(36).slice(2, 8);
    for (let index = 0; index < plan.publishers; index += 1) await startGroup(plan, `${run}${index}`);
    await pause(plan.warmUpMs);
  },
  async measure({ durationMs }: Pick<LoadPlan, 'durationMs'>): Promise<LoadOutcome> {
    delivered = 0;
    isMeasuring = true;
    const startedAtMs = performance.now();
    // Where a window of messages takes longer than the measurement, it lasts until some arrive.
    for (let round = 0; round === 0 || (delivered === 0 && round < maxRounds); round += 1)
      await pause(durationMs);
    const outcome = { delivered, elapsedMs: performance.now() - startedAtMs };
    isMeasuring = false;
    return outcome;
  },
  async end(_: undefined): Promise<void> {
    for (const one of stop) one();
    stop = [];
  },
};
export type RawLoad = typeof offered;

/** One publisher and the subscribers to its topic. */
async function startGroup(plan: LoadPlan, name: string): Promise<void> {
  const { qos, subscribers, shared } = plan;
  const topic = `bench/${name}`;
  const copies = shared ? 1 : subscribers;
  let outstanding = 0;
  let arrived = 0;
  let messageId = 0;
  let isEnded = false;
  let publisher: Client | undefined;
  const send = (): void => {
    while (outstanding < window && !isEnded) {
      outstanding += 1;
      messageId = (messageId % 65_535) + 1;
      const identified = qos === 0 ? {} : { messageId };
      publisher?.send({ cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...identified });
    }
  };
  const done = (): void => {
    outstanding -= 1;
    send();
  };
  for (let index = 0; index < subscribers; index += 1) {
    const subscriber = await connected(plan, `${name}s${index}`, {
      received() {
        if (isMeasuring) delivered += 1;
        arrived += 1;
        if (qos === 0 && arrived % copies === 0) done();
      },
    });
    await subscriber.subscribe(shared ? `$share/group/${topic}` : topic, qos);
  }
  publisher = await connected(plan, `${name}p`, { acknowledged: done });
  const ending = publisher;
  stop.push(() => {
    isEnded = true;
    ending.end();
  });
  send();
}

interface Client {
  send(packet: Packet): void;
  subscribe(topic: string, qos: Qos): Promise<void>;
  end(): void;
}

async function connected(
  { transport, listening }: LoadPlan,
  clientId: string,
  on: { readonly received?: () => void; readonly acknowledged?: () => void },
): Promise<Client> {
  const stream = transport === 'tcp' ? tcpStream(listening) : webSocketStream(listening);
  const parser = packetParser({ protocolVersion: 4 });
  let answered: (packet: Packet) => void = () => {};
  const answer = () =>
    new Promise<Packet>((resolve, reject) => {
      answered = resolve;
      stream.once('error', reject);
    });
  const send = (packet: Packet): void => void writeToStream(packet, stream, { protocolVersion: 4 });
  parser.on('packet', (packet) => {
    switch (packet.cmd) {
      case 'publish':
        if (packet.qos > 0)
          send({ cmd: packet.qos === 1 ? 'puback' : 'pubrec', messageId: packet.messageId ?? 0 });
        on.received?.();
        break;
      case 'pubrec':
        send({ cmd: 'pubrel', messageId: packet.messageId ?? 0 });
        break;
      case 'pubrel':
        send({ cmd: 'pubcomp', messageId: packet.messageId ?? 0 });
        break;
      case 'puback':
      case 'pubcomp':
        on.acknowledged?.();
        break;
      default:
        answered(packet);
    }
  });
  stream.on('data', (bytes: Buffer) => parser.parse(bytes));
  const { username, password } = listening;
  send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    clientId,
    keepalive: 0,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password: Buffer.from(password) }),
  });
  const connack = await answer();
  if (connack.cmd !== 'connack' || connack.returnCode !== 0)
    throw new Error(`the broker refuses the client: ${JSON.stringify(connack)}`);
  stream.on('error', () => {});
  return {
    send,
    async subscribe(topic, qos) {
      send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] });
      await answer();
    },
    end: () => stream.destroy(),
  };
}

function tcpStream({ port }: Listening): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  return socket;
}

function webSocketStream({ port, path = '/' }: Listening) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, 'mqtt', { perMessageDeflate: false });
  return createWebSocketStream(socket);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

serve(offered);
