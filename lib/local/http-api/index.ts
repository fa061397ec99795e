import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { urlHost } from '../url-host.ts';
import { type HttpApiEvent, httpApiEvent } from './event.ts';

/** Largest request body of an HTTP API in bytes (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs"). */
const maxBodyBytes = 10 * 1024 * 1024;

export interface HttpApiRoute {
  /** The path itself and everything below it. */
  readonly prefix: string;
  readonly invoke: (event: HttpApiEvent) => Promise<unknown>;
  /** Whether only programs on this machine may call it. AWS asks for a signature instead. */
  readonly operatorsOnly: boolean;
}

export interface HttpApiOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: 0, a free one. */
  readonly port?: number;
  readonly routes: readonly HttpApiRoute[];
  readonly nowMs: () => number;
  readonly log: (line: object) => void;
}

export interface HttpApi {
  /** `http://host:port`, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A front like API Gateway's HTTP APIs: requests become events of payload format 2.0, a function's answer the response.
 * It checks no signature.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer((request, response) => {
    respond(options, request, response).catch((error: unknown) => {
      options.log({ event: 'httpApiFailed', error: error instanceof Error ? error.name : 'unknown' });
      send(response, 500, { message: 'Internal Server Error' });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${urlHost(address.address)}:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function respond(
  { routes, nowMs }: HttpApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === undefined) {
    send(response, 413, { message: 'Request Entity Too Large' });
    return;
  }
  const event = httpApiEvent(request, body, nowMs());
  const route = routes.find(
    ({ prefix }) => event?.rawPath === prefix || event?.rawPath.startsWith(`${prefix}/`) === true,
  );
  if (event === undefined || route === undefined) {
    send(response, 404, { message: 'Not Found' });
    return;
  }
  if (route.operatorsOnly && !comesFromOperator(request)) {
    send(response, 403, { message: 'Forbidden' });
    return;
  }
  const { statusCode, headers = {}, body: text = '' } = (await route.invoke(event)) as Result;
  response.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

interface Result {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/**
 * From this machine, and not from a page in its browser: a page of any site can send requests here, directly or by a
 * host name of its own. Browsers say so by `Origin` or `Sec-Fetch-Site`, and by a `Host` that is no address.
 */
function comesFromOperator({ headers, socket }: IncomingMessage): boolean {
  const { origin, host = '' } = headers;
  if (origin !== undefined || headers['sec-fetch-site'] !== undefined) return false;
  const isLoopback = /^(::1|(::ffff:)?127\.[\d.]+)$/.test(socket.remoteAddress ?? '');
  return isLoopback && /^(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host);
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= maxBodyBytes) parts.push(part);
  }
  return bytes > maxBodyBytes ? undefined : Buffer.concat(parts);
}

function send(response: ServerResponse, statusCode: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
