import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { afterEach } from 'vitest';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { localCredentials } from '../../../lib/aws/settings.ts';
import type { RequestContext } from '../../../lib/local/gateway/events.ts';
import {
  type Gateway,
  type GatewayOptions,
  type Route,
  startGateway,
} from '../../../lib/local/gateway/index.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export function onCleanup(cleanup: () => Promise<unknown> | unknown): void {
  cleanups.push(cleanup);
}

/** The event after JSON, as a function in AWS receives it. */
export interface SeenEvent {
  readonly requestContext: RequestContext;
  readonly headers?: Record<string, string>;
  readonly multiValueHeaders?: Record<string, string[]>;
  readonly queryStringParameters?: Record<string, string>;
  readonly multiValueQueryStringParameters?: Record<string, string[]>;
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

export interface SeenCall {
  readonly route: Route;
  readonly event: SeenEvent;
  readonly context: { readonly requestId: string; readonly deadlineMs: number };
}

type Handler = (event: SeenEvent, context: SeenCall['context']) => unknown;
export type Handlers = Partial<Record<Route, Handler>>;

export interface Service {
  readonly gateway: Gateway;
  readonly calls: SeenCall[];
  readonly lines: Record<string, unknown>[];
  /** The first past or future call of a route (and connection). */
  called(route: Route, connectionId?: string): Promise<SeenCall>;
  callsOf(route: Route): SeenCall[];
  client: ApiGatewayManagementApiClient;
}

/** Routes without a handler answer 200. */
export async function start(
  handlers: Handlers = {},
  options: Partial<Omit<GatewayOptions, 'invoke'>> = {},
): Promise<Service> {
  const calls: SeenCall[] = [];
  const lines: Record<string, unknown>[] = [];
  const watchers = new Set<() => void>();
  const gateway = await startGateway({
    port: 0,
    stage: 'mqtt',
    log: (line) => lines.push({ ...line }),
    ...options,
    invoke: async (route, event, context) => {
      const seen: SeenEvent = JSON.parse(JSON.stringify(event));
      calls.push({ route, event: seen, context });
      for (const watcher of watchers) watcher();
      const handler = handlers[route];
      return handler ? handler(seen, context) : { statusCode: 200 };
    },
  });
  const client = new ApiGatewayManagementApiClient({
    endpoint: gateway.callbackUrl,
    region: 'us-east-1',
    credentials: localCredentials,
    maxAttempts: 1,
  });
  onCleanup(async () => {
    client.destroy();
    await gateway.close();
  });
  const callsOf = (route: Route) => calls.filter((call) => call.route === route);
  return {
    gateway,
    calls,
    lines,
    callsOf,
    client,
    called: (route, connectionId) =>
      new Promise((resolve) => {
        const look = () => {
          const call = callsOf(route).find(
            ({ event }) => connectionId === undefined || event.requestContext.connectionId === connectionId,
          );
          if (!call) return;
          watchers.delete(look);
          resolve(call);
        };
        watchers.add(look);
        look();
      }),
  };
}

export interface Received {
  readonly text: string;
  readonly isBinary: boolean;
}

export interface Client {
  readonly socket: WebSocket;
  /** The next message, in order. */
  next(): Promise<Received>;
  readonly received: Received[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

export interface ConnectOptions extends ClientOptions {
  readonly path?: string;
  readonly protocols?: string[];
}

function createSocket(
  gateway: Gateway,
  { path = '', protocols = [], ...options }: ConnectOptions,
): WebSocket {
  const socket = new WebSocket(`${gateway.url}${path}`, protocols, options);
  onCleanup(() => socket.terminate());
  return socket;
}

export async function connect(gateway: Gateway, options: ConnectOptions = {}): Promise<Client> {
  const socket = createSocket(gateway, options);
  const received: Received[] = [];
  const waiting: ((message: Received) => void)[] = [];
  let read = 0;
  socket.on('message', (data: RawData, isBinary) => {
    const message = { text: String(data), isBinary };
    received.push(message);
    const waiter = waiting.shift();
    if (waiter) {
      read++;
      waiter(message);
    }
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  socket.on('error', () => {});
  return {
    socket,
    received,
    closed,
    next: () =>
      new Promise((resolve) => {
        const message = received[read];
        if (message && waiting.length === 0) {
          read++;
          resolve(message);
        } else {
          waiting.push(resolve);
        }
      }),
  };
}

/** Connects and returns the connection id too. */
export async function connectAs(service: Service, options: ConnectOptions = {}) {
  const before = service.callsOf('$connect').length;
  const client = await connect(service.gateway, options);
  const call = service.callsOf('$connect')[before];
  if (!call) throw new Error('$connect was not invoked');
  return { ...client, connectionId: call.event.requestContext.connectionId };
}

export interface Refusal {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

/** The HTTP response to a refused handshake. */
export function refusal(gateway: Gateway, options: ConnectOptions = {}): Promise<Refusal> {
  const socket = createSocket(gateway, options);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('The handshake was accepted')));
    socket.on('error', reject);
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
  });
}

/** A promise that a test resolves. */
export function gate<T = void>() {
  let open: (value: T) => void = () => {};
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** A frame as a client sends it, masked with zeros. */
export function clientFrame(
  opcode: number,
  payload: Buffer | string,
  { fin = true, lengthBytes = Buffer.byteLength(payload) } = {},
): Buffer {
  const header = [(fin ? 0x80 : 0) | opcode];
  if (lengthBytes < 126) header.push(0x80 | lengthBytes);
  else if (lengthBytes < 65_536) header.push(0x80 | 126, lengthBytes >> 8, lengthBytes & 0xff);
  else {
    const length = Buffer.alloc(8);
    length.writeBigUInt64BE(BigInt(lengthBytes));
    header.push(0x80 | 127, ...length);
  }
  return Buffer.concat([Buffer.from(header), Buffer.alloc(4), Buffer.from(payload)]);
}
