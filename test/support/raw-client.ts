import { type Packet as LibraryPacket, parser as packetParser } from 'mqtt-packet';
import { WebSocket } from 'ws';
import { encodePacket } from '../../lib/mqtt/encode.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import {
  ChunkAssembler,
  concatBytes,
  decodeServerFrame,
  encodeMessages,
  subprotocol,
} from '../../lib/wire/index.ts';

export type Version = 3 | 4 | 5;

/** A packet, or any bytes in hex. */
export type Sendable = Packet | string;

/** A packet of the server, parsed by mqtt-packet, without default values; bytes as UTF-8 text. */
export type Got = Readonly<Record<string, unknown>>;

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** The outcome of one frame. */
export interface Exchange {
  /** Packets of the route response. */
  readonly replies: readonly Got[];
  /** Packets pushed since the last exchange. The server pushes before it replies. */
  readonly pushes: readonly Got[];
  /** Present if the server closed instead of replying. */
  readonly closed?: Closed;
}

/** A client of the wire profile that answers no packets and enforces no rules of MQTT. */
export interface RawClient {
  readonly version: Version;
  /** Sends packets in one frame, or in chunks, and waits for the reply or the close. */
  exchange(...sent: readonly Sendable[]): Promise<Exchange>;
  /** Like `exchange`, but returns only the replies and throws if the connection closes. */
  send(...sent: readonly Sendable[]): Promise<readonly Got[]>;
  /** Sends a text unchanged and waits like `exchange`. */
  exchangeText(text: string): Promise<Exchange>;
  /** Sends a WebSocket message and does not wait. */
  sendMessage(data: string | Uint8Array): void;
  /** Does a round trip, then takes all packets that were pushed before it. */
  settle(): Promise<readonly Got[]>;
  /** Takes all pushed packets when there are at least `count`. */
  take(count: number): Promise<readonly Got[]>;
  /** Raw bytes of all pushed packets, in order. */
  readonly pushedBytes: readonly Uint8Array[];
  /** All text messages, unchanged. */
  readonly texts: readonly string[];
  readonly closed: Promise<Closed>;
  readonly isClosed: boolean;
  /** Closes without DISCONNECT. */
  close(): Promise<Closed>;
}

export interface OpenOptions {
  readonly version?: Version;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Opens a WebSocket. Rejects with the HTTP status if the handshake is refused. */
export async function openRaw(url: string, options: OpenOptions = {}): Promise<RawClient> {
  const { version = 5 } = options;
  const socket = openSocket(url, [subprotocol], options);
  const assembler = new ChunkAssembler();
  const waiting: ((reply: readonly Got[] | undefined) => void)[] = [];
  const texts: string[] = [];
  const pushedBytes: Uint8Array[] = [];
  let pushes: Got[] = [];
  let wake = (): void => {};
  let ended: Closed | undefined;

  const push = (bytes: Uint8Array): void => {
    for (const { packet, raw } of readPackets(bytes, version)) {
      pushes.push(packet);
      pushedBytes.push(raw);
    }
    wake();
  };
  socket.on('message', (data) => {
    const text = String(data);
    texts.push(text);
    const frame = decodeServerFrame(text);
    if (frame.kind === 'reply')
      waiting.shift()?.(
        frame.bytes === undefined ? [] : readPackets(frame.bytes, version).map(({ packet }) => packet),
      );
    else if (frame.kind === 'packets') push(frame.bytes);
    else if (frame.kind === 'chunk') {
      const assembled = assembler.accept(frame);
      if (assembled.kind === 'packet') push(assembled.bytes);
      else if (assembled.kind === 'invalid')
        throw new Error(`The server sent a bad chunk: ${assembled.code}`);
    } else throw new Error(`The server sent what is not of the profile: ${text.slice(0, 200)}`);
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on('close', (code, reason) => {
      ended = { code, reason: reason.toString() };
      resolve(ended);
      for (const settle of waiting.splice(0)) settle(undefined);
      wake();
    });
  });

  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('unexpected-response', (_, response) =>
      reject(new Error(`Handshake refused with ${response.statusCode}`)),
    );
  });
  socket.on('error', () => {});

  function takeAll(): Got[] {
    const taken = pushes;
    pushes = [];
    return taken;
  }

  async function exchangeText(text: string): Promise<Exchange> {
    const reply =
      ended === undefined
        ? await new Promise<readonly Got[] | undefined>((resolve) => {
            waiting.push(resolve);
            socket.send(text);
          })
        : undefined;
    if (reply !== undefined) return { replies: reply, pushes: takeAll() };
    return { replies: [], pushes: takeAll(), closed: await closed };
  }

  async function exchange(...sent: readonly Sendable[]): Promise<Exchange> {
    const messages = encodeMessages([concatBytes(sent.map((one) => bytesOf(one, version)))], nextChunkId);
    let last: Exchange = { replies: [], pushes: [] };
    const all: Got[] = [];
    for (const text of messages) {
      last = await exchangeText(text);
      all.push(...last.pushes);
      if (last.closed !== undefined) break;
    }
    return { ...last, pushes: all };
  }

  return {
    version,
    exchange,
    exchangeText,
    async send(...sent) {
      const { replies, pushes: others, closed: end } = await exchange(...sent);
      pushes.unshift(...others);
      if (end !== undefined) throw new Error(`The server closed: ${JSON.stringify({ end, others })}`);
      return replies;
    },
    sendMessage: (data) => socket.send(data),
    async settle() {
      const { pushes: pushed, closed: end } = await exchangeText('.');
      if (end !== undefined) throw new Error(`The server closed: ${JSON.stringify({ end, pushed })}`);
      return pushed;
    },
    async take(count) {
      while (pushes.length < count) {
        if (ended !== undefined) throw new Error(`Closed with ${pushes.length} of ${count} packets`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return takeAll();
    },
    pushedBytes,
    texts,
    closed,
    get isClosed() {
      return ended !== undefined;
    },
    close() {
      socket.close(1000);
      return closed;
    },
  };
}

/** The HTTP status of a handshake, and the subprotocol if it is 101. */
export function handshake(
  url: string,
  subprotocols: readonly string[],
  options: OpenOptions = {},
): Promise<{ status: number; subprotocol?: string }> {
  const socket = openSocket(url, subprotocols, options);
  return new Promise((resolve, reject) => {
    socket.on('open', () => {
      resolve({ status: 101, subprotocol: socket.protocol });
      socket.terminate();
    });
    socket.on('unexpected-response', (_, response) => {
      resolve({ status: response.statusCode ?? 0 });
      response.resume();
      socket.terminate();
    });
    socket.on('error', reject);
  });
}

function openSocket(url: string, subprotocols: readonly string[], options: OpenOptions): WebSocket {
  const target = new URL(url);
  for (const [name, value] of Object.entries(options.query ?? {})) target.searchParams.set(name, value);
  return new WebSocket(target, [...subprotocols], { headers: { ...options.headers } });
}

export function bytesOf(sent: Sendable, version: Version): Uint8Array {
  return typeof sent === 'string' ? Buffer.from(sent, 'hex') : encodePacket(sent, version);
}

let chunkIds = 0;
function nextChunkId(): string {
  chunkIds += 1;
  return chunkIds.toString(36);
}

/** Splits and parses packets of the server. */
export function readPackets(bytes: Uint8Array, version: Version): { packet: Got; raw: Uint8Array }[] {
  const found: { packet: Got; raw: Uint8Array }[] = [];
  const parser = packetParser({ protocolVersion: version });
  let at = 0;
  parser.on('packet', (packet) => {
    const length = (packet.length ?? 0) + headerBytes(packet.length ?? 0);
    found.push({ packet: plain(packet), raw: bytes.subarray(at, at + length) });
    at += length;
  });
  parser.on('error', (error: Error) => {
    throw error;
  });
  const rest = parser.parse(Buffer.from(bytes));
  if (rest !== 0) throw new Error(`The server sent ${rest} bytes of a partial packet`);
  return found;
}

function headerBytes(remaining: number): number {
  if (remaining < 128) return 2;
  if (remaining < 16_384) return 3;
  return remaining < 2_097_152 ? 4 : 5;
}

function plain(packet: LibraryPacket): Got {
  const fields: Record<string, unknown> = { ...packet };
  delete fields.length;
  for (const [name, value] of Object.entries(fields)) if (isDefault(name, value)) delete fields[name];
  return readable(fields) as Got;
}

function isDefault(name: string, value: unknown): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (name === 'qos') return value === 0;
  return name === 'properties' && Object.keys(value as object).length === 0;
}

function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, readable(field)]));
}
