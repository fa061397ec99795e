import WebSocket from 'ws';
import { encodePacket, type Packet } from '../../mqtt/index.ts';
import {
  decodeServerFrame,
  encodeOneWay,
  encodePackets,
  splitPackets,
  subprotocol,
} from '../../wire/index.ts';
import { answerMs, createMailbox } from './mailbox.ts';

/** A text message of the server. */
export interface Arrival {
  /** `reply`: the route response. `push`: a post. `error`: of API Gateway itself. */
  readonly kind: 'reply' | 'push' | 'error' | 'other';
  readonly text: string;
  /** As `performance.now()`. */
  readonly atMs: number;
}

export interface Close {
  readonly code: number;
  readonly reason: string;
}

/**
 * An MQTT 3.1.1 client that chooses the route of every frame and sees every message as it comes,
 * which the adapter hides.
 */
export interface Probe {
  /** What the server has agreed to, for example `permessage-deflate`; empty if nothing. */
  readonly extensions: string;
  /** Sends the packet to `$default`. @returns the packets of the reply. */
  request(packet: Packet): Promise<Buffer[]>;
  /** Sends the packet to the route `oneway`, which answers nothing. */
  oneWay(packet: Packet): void;
  sendText(text: string): void;
  sendBinary(bytes: Uint8Array): void;
  /** A ping of the WebSocket protocol. @returns whether a pong came. */
  ping(waitMs: number): Promise<boolean>;
  /** The next message of a kind. */
  next(kind: Arrival['kind'], waitMs?: number): Promise<Arrival>;
  /** All messages that have come and were not taken. */
  arrived(): Arrival[];
  /** How the server ended the connection; undefined if it did not within this time. */
  closed(waitMs: number): Promise<Close | undefined>;
  close(): void;
}

/**
 * @param url WebSocket API of the deployment.
 * @throws Error if the handshake fails.
 */
export async function openProbe(
  url: string,
  { compress = false }: { readonly compress?: boolean } = {},
): Promise<Probe> {
  const arrivals = createMailbox<Arrival>();
  const closes = createMailbox<Close>();
  const socket = new WebSocket(url, [subprotocol], {
    perMessageDeflate: compress,
    handshakeTimeout: answerMs,
  });
  const failed = new Promise<never>((_, reject) => socket.on('error', reject));
  socket.on('message', (data: Buffer, isBinary) => {
    const text = isBinary ? '' : data.toString();
    arrivals.put({ kind: kindOf(text), text, atMs: performance.now() });
  });
  socket.on('close', (code, reason) => {
    closes.put({ code, reason: reason.toString() });
    arrivals.fail(new Error(`the service closed the connection with code ${code}`));
  });
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()));
  await Promise.race([opened, failed]);
  // An error after that ends the connection, which its close tells.
  failed.catch(() => undefined);

  return {
    extensions: socket.extensions,
    async request(packet) {
      socket.send(encodePackets(encodePacket(packet, 4)));
      return packetsOf(await arrivals.take('reply', ({ kind }) => kind === 'reply' || kind === 'error'));
    },
    oneWay: (packet) => socket.send(encodeOneWay(encodePacket(packet, 4))),
    sendText: (text) => socket.send(text),
    sendBinary: (bytes) => socket.send(bytes, { binary: true }),
    ping(waitMs) {
      return new Promise((resolve) => {
        const timer = setTimeout(() => resolve(false), waitMs);
        socket.once('pong', () => {
          clearTimeout(timer);
          resolve(true);
        });
        socket.ping();
      });
    },
    next: (kind, waitMs) => arrivals.take(kind, (arrival) => arrival.kind === kind, waitMs),
    arrived: () => arrivals.takeAll(),
    closed: (waitMs) => closes.take('close', undefined, waitMs).catch(() => undefined),
    close: () => socket.terminate(),
  };
}

function kindOf(text: string): Arrival['kind'] {
  const { kind } = decodeServerFrame(text);
  if (kind === 'packets') return 'push';
  return kind === 'reply' || kind === 'error' ? kind : 'other';
}

/**
 * The packets of a message.
 * @throws Error with the text of API Gateway's own errors.
 */
export function packetsOf({ text }: Arrival): Buffer[] {
  const frame = decodeServerFrame(text);
  if (frame.kind === 'error') throw new Error(`API Gateway answers "${frame.message}"`);
  const bytes = 'bytes' in frame ? frame.bytes : undefined;
  if (bytes === undefined) return [];
  return splitPackets(bytes).packets.map((packet) => Buffer.from(packet));
}
