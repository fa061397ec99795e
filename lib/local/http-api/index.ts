import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isAddress, isFromProgram, isLoopback } from '../from-program.ts';
import { listenOn } from '../listen.ts';
import { readRequestBody } from '../read-body.ts';
import { urlHost } from '../url-host.ts';
import { createHttpApiEvent, type HttpApiEvent } from './event.ts';

/**
 * Largest request body of an HTTP API in bytes (Amazon API Gateway Developer Guide, "Quotas for
 * HTTP APIs").
 */
const maxBodyBytes = 10 * 1024 * 1024;

export interface HttpApiRoute {
  /** The route serves this path and all paths below it. */
  readonly prefix: string;
  readonly invoke: (event: HttpApiEvent) => Promise<unknown>;
  /**
   * Accepts only programs on this machine. In AWS these routes need a signature instead. Pages may
   * use the other routes.
   */
  readonly operatorsOnly: boolean;
}

/** Serves requests by itself, such as pages, which are no function of the stack. */
export interface HttpSite {
  /** The site serves this path and all paths below it. */
  readonly prefix: string;
  /** Undefined: it does not serve now, and the routes are tried. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<void> | undefined;
}

export interface HttpApiOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default 0, which picks a free one. */
  readonly port?: number;
  readonly routes: readonly HttpApiRoute[];
  /** Tried before the routes. */
  readonly sites?: readonly HttpSite[];
  readonly nowMs: () => number;
  readonly log: (line: object) => void;
}

export interface HttpApi {
  /** `http://host:port`, without a path. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Emulates API Gateway's HTTP APIs: turns requests into events of payload format 2.0, and results
 * of functions into responses. It checks no signatures.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { host = '127.0.0.1', port = 0 } = options;
  const server = createServer((request, response) => {
    const site = options.sites?.find(({ prefix }) => isBelow(request.url?.split('?', 1)[0] ?? '', prefix));
    const served = site?.serve(request, response) ?? serveRequest(options, request, response);
    served.catch((error: unknown) => {
      options.log({ event: 'httpApiFailed', error: error instanceof Error ? error.name : 'unknown' });
      sendJson(response, 500, { message: 'Internal Server Error' });
    });
  });
  const address = await listenOn(server, host, port);
  return {
    url: `http://${urlHost(address.address)}:${address.port}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serveRequest(
  { routes, nowMs }: HttpApiOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readRequestBody(request, maxBodyBytes);
  if (body === undefined) {
    sendJson(response, 413, { message: 'Request Entity Too Large' });
    return;
  }
  const event = createHttpApiEvent(request, body, nowMs());
  const route = routes.find(({ prefix }) => event !== undefined && isBelow(event.rawPath, prefix));
  if (event === undefined || route === undefined) {
    sendJson(response, 404, { message: 'Not Found' });
    return;
  }
  if (!mayUse(request, route)) {
    sendJson(response, 403, { message: 'Forbidden' });
    return;
  }
  const { statusCode, headers = {}, body: text = '' } = (await route.invoke(event)) as Result;
  // A 204 has no length (RFC 9110 section 8.6).
  const length = statusCode === 204 ? {} : { 'content-length': Buffer.byteLength(text) };
  response.writeHead(statusCode, { ...headers, ...length });
  response.end(text);
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}

interface Result {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/**
 * Operators' routes accept programs on this machine, but not pages in its browser. The others
 * accept everyone, except a page that reached loopback through a host name of its own.
 */
function mayUse(request: IncomingMessage, { operatorsOnly }: HttpApiRoute): boolean {
  const isFromHere = isLoopback(request.socket.remoteAddress);
  if (operatorsOnly) return isFromHere && isFromProgram(request);
  return !isFromHere || isAddress(request.headers.host);
}

function sendJson(response: ServerResponse, statusCode: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(statusCode, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
