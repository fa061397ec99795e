/**
 * Child process with many clients. They speak the wire profile and only receive and acknowledge.
 */
import { type Packet as LibraryPacket, parser } from 'mqtt-packet';
import { WebSocket } from 'ws';
import { encodePacket } from '../../lib/mqtt/encode.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import { decodeServerFrame, encodePackets, subprotocol } from '../../lib/wire/index.ts';
import { serve } from './process.ts';

interface Member {
  readonly socket: WebSocket;
  /** Called with the reply to the outstanding frame. */
  replied?: ((error?: Error) => void) | undefined;
}

export interface Join {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Client ids are this prefix and a number. */
  readonly prefix: string;
  readonly count: number;
  readonly keepAliveSeconds?: number;
  readonly subscribe?: readonly { readonly topic: string; readonly qos: 0 | 1 }[];
}

export interface Round {
  readonly topic: string;
  readonly qos: 0 | 1;
  readonly payloadBytes: number;
  /** Number of deliveries after which the round ends. */
  readonly deliveries: number;
}

export interface RoundTimes {
  /** From sending the PUBLISH to the first delivery, the last delivery and the reply. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly replyMs: number;
}

/** Concurrent CONNECTs. */
const concurrentJoins = 32;
/** Sockets per source address, well below the number of ephemeral ports. */
const socketsPerAddress = 10_000;

const stallMs = 60_000;

const members: Member[] = [];
let deliveries = 0;
let underWay = 0;
let firstAtMs = 0;
let progressed = (): void => {};
let messageIds = 0;

const offered = {
  /** Connects clients and subscribes them. */
  async join(join: Join): Promise<{ ms: number }> {
    const startedAtMs = performance.now();
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < join.count) {
        const index = next;
        next += 1;
        await joinOne(join, index);
      }
    };
    await Promise.all(Array.from({ length: concurrentJoins }, work));
    return { ms: performance.now() - startedAtMs };
  },

  /**
   * Publishes one message from the member that joined last. Resolves after its reply, all
   * deliveries and the replies to all acknowledgements.
   */
  async publish({ topic, qos, payloadBytes, deliveries: wanted }: Round): Promise<RoundTimes> {
    const publisher = members.at(-1);
    if (publisher === undefined) throw new Error('no client has joined');
    deliveries = 0;
    messageIds = (messageIds % 65_535) + 1;
    const payload = Buffer.alloc(payloadBytes, 'x');
    const identified = qos === 0 ? {} : { messageId: messageIds };
    const packet: Packet = { cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...identified };
    const sentAtMs = performance.now();
    const sinceMs = (): number => performance.now() - sentAtMs;
    const [lastMs, replyMs] = await Promise.all([
      until(() => deliveries >= wanted).then(sinceMs),
      exchange(publisher, packet).then(sinceMs),
    ]);
    await until(() => underWay === 0);
    return { firstMs: firstAtMs - sentAtMs, lastMs, replyMs };
  },

  /** Returns the number of open connections. */
  async open(_: undefined): Promise<number> {
    return members.filter(({ socket }) => socket.readyState === socket.OPEN).length;
  },
};
export type Swarm = typeof offered;

async function joinOne(
  { url, username, password, prefix, keepAliveSeconds = 0, subscribe }: Join,
  index: number,
) {
  const localAddress = `127.0.0.${1 + Math.floor(index / socketsPerAddress)}`;
  const socket = new WebSocket(url, [subprotocol], { perMessageDeflate: false, localAddress });
  const member: Member = { socket };
  socket.on('message', (data) => received(member, String(data)));
  socket.on('close', (code, reason) => member.replied?.(new Error(`closed: ${code} ${reason.toString()}`)));
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  members.push(member);
  await exchange(member, {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 5,
    clientId: `${prefix}${index}`,
    clean: true,
    keepalive: keepAliveSeconds,
    username,
    password: Buffer.from(password),
  });
  if (subscribe !== undefined)
    await exchange(member, { cmd: 'subscribe', messageId: 1, subscriptions: [...subscribe] });
}

/** @throws when no message arrives for a minute. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const before = progressed;
      progressed = () => {
        before();
        resolve();
      };
      timer = setTimeout(() => reject(new Error(`stalled after ${deliveries} deliveries`)), stallMs);
    });
    clearTimeout(timer);
    progressed = () => {};
  }
}

function exchange(member: Member, ...packets: Packet[]): Promise<void> {
  return new Promise((resolve, reject) => {
    member.replied = (error) => {
      member.replied = undefined;
      if (error === undefined) resolve();
      else reject(error);
    };
    member.socket.send(encodePackets(Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))));
  });
}

function received(member: Member, text: string): void {
  const frame = decodeServerFrame(text);
  if (frame.kind === 'reply') {
    member.replied?.();
    return;
  }
  if (frame.kind !== 'packets') {
    member.replied?.(new Error(`unexpected: ${text.slice(0, 100)}`));
    return;
  }
  if (deliveries === 0) firstAtMs = performance.now();
  const acknowledgements: Packet[] = [];
  for (const packet of packetsOf(frame.bytes)) {
    if (packet.cmd !== 'publish') continue;
    deliveries += 1;
    if (packet.qos === 1)
      acknowledgements.push({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 } as Packet);
  }
  if (acknowledgements.length > 0) {
    underWay += 1;
    const done = (): void => {
      underWay -= 1;
      progressed();
    };
    exchange(member, ...acknowledgements).then(done, done);
  }
  progressed();
}

function packetsOf(bytes: Uint8Array): LibraryPacket[] {
  const found: LibraryPacket[] = [];
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet) => found.push(packet));
  reader.parse(Buffer.from(bytes));
  return found;
}

serve(offered);
