import { encodePacket } from '../../../lib/mqtt/encode.ts';
import type { Packet } from '../../../lib/mqtt/types.ts';
import { encodeOneWay } from '../../../lib/wire/index.ts';
import { openRaw, type RawClient } from '../../support/raw-client.ts';
import type { Mint, TestService } from '../../support/service.ts';
import { connectPacket } from '../metered.ts';
import { startChild } from '../process.ts';
import type { Swarm } from '../swarm.ts';

export const payloadBytes = 200;
export const topic = 'devices/d1/state';

/** A workload whose clients are connected. */
export interface Prepared {
  readonly deliveriesPerRound: number;
  /** Resolves when all messages are delivered and acknowledged. */
  round(): Promise<unknown>;
  close(): Promise<unknown>;
}

export type Prepare = (service: TestService, mint: Mint) => Promise<Prepared>;

async function connected(service: TestService, mint: Mint, clientId: string): Promise<RawClient> {
  const client = await openRaw(service.url);
  await client.send(await connectPacket(mint, clientId));
  return client;
}

/**
 * Sends `burst` messages in one frame, as the adapter does, and all PUBACKs of a push in one frame.
 */
const oneToOne =
  ({
    qos,
    burst,
    oneWay = false,
    acknowledgesOneWay = false,
  }: Omit<Workload, 'title' | 'prepare' | 'audience'>): Prepare =>
  async (service, mint) => {
    const subscriber = await connected(service, mint, 'subscriber');
    await subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos }] } as Packet);
    const publisher = await connected(service, mint, 'publisher');
    return {
      deliveriesPerRound: burst,
      async round() {
        const packets = Array.from({ length: burst }, (_, index) => publishPacket(qos, index + 1));
        if (oneWay) publisher.sendMessage(oneWayOf(packets));
        else await publisher.send(...packets);
        for (let received = 0; received < burst; ) {
          const pushed = await subscriber.take(1);
          received += pushed.length;
          const pubacks = pushed.map(({ messageId }) => puback(Number(messageId)));
          if (qos === 0) continue;
          if (acknowledgesOneWay) subscriber.sendMessage(oneWayOf(pubacks));
          else await subscriber.send(...pubacks);
        }
      },
      close: () => Promise.all([subscriber.close(), publisher.close()]),
    };
  };

function oneWayOf(packets: readonly Packet[]): string {
  return encodeOneWay(Buffer.concat(packets.map((packet) => encodePacket(packet, 5))));
}

/** Sends one message to an audience of clients in a child process. */
const oneToMany =
  (audience: number, qos: 0 | 1 = 0): Prepare =>
  async (service, mint) => {
    const swarm = startChild<Swarm>('./swarm.ts');
    const common = { url: service.url, username: mint.tenant, password: await mint() };
    const subscribers = { prefix: 'subscriber-', count: audience, subscribe: [{ topic, qos }] };
    await swarm.call('join', { ...common, ...subscribers });
    await swarm.call('join', { ...common, prefix: 'publisher-', count: 1 });
    return {
      deliveriesPerRound: audience,
      round: () => swarm.call('publish', { topic, qos, payloadBytes, deliveries: audience }),
      close: () => swarm.stop(),
    };
  };

export function publishPacket(qos: 0 | 1, messageId: number): Packet {
  const payload = Buffer.alloc(payloadBytes, 'x');
  const identified = qos === 0 ? {} : { messageId };
  return { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...identified };
}

export function puback(messageId: number): Packet {
  return { cmd: 'puback', messageId, reasonCode: 0 };
}

export interface Workload {
  readonly title: string;
  readonly prepare: Prepare;
  readonly qos: 0 | 1;
  readonly burst: number;
  readonly audience: number;
  /** Publishes in one-way frames, which have no reply. */
  readonly oneWay?: boolean;
  /** Acknowledges in one-way frames, as bridge and adapter do with single messages. */
  readonly acknowledgesOneWay?: boolean;
}

const described: readonly Omit<Workload, 'prepare'>[] = [
  { title: 'W1: 1 → 1, QoS 0', qos: 0, burst: 1, audience: 1 },
  { title: 'W1 in one-way frames', qos: 0, burst: 1, audience: 1, oneWay: true },
  { title: 'W2: 1 → 1, QoS 1', qos: 1, burst: 1, audience: 1 },
  { title: 'W2, PUBACK in one-way frames', qos: 1, burst: 1, audience: 1, acknowledgesOneWay: true },
  { title: 'W3: 1 → 1,000, QoS 0', qos: 0, burst: 1, audience: 1_000 },
  { title: 'W4: bursts of 10, QoS 0', qos: 0, burst: 10, audience: 1 },
  { title: 'W4 in one-way frames', qos: 0, burst: 10, audience: 1, oneWay: true },
  { title: 'W4 at QoS 1', qos: 1, burst: 10, audience: 1 },
];

export const workloads: readonly Workload[] = described.map((workload) => ({
  ...workload,
  prepare: prepareOf(workload),
}));

function prepareOf(workload: Omit<Workload, 'prepare'>): Prepare {
  return workload.audience === 1 ? oneToOne(workload) : oneToMany(workload.audience, workload.qos);
}
