import type { IncomingMessage } from 'node:http';
import type { Handshake, Identity } from './events.ts';
import { createTraceId } from './ids.ts';

/** Hop-by-hop headers, which an integration does not receive. */
const hopHeaders = new Set(['connection', 'upgrade', 'content-length', 'transfer-encoding', 'keep-alive']);

/** Keeps the client's spelling of header names. Adds or extends the load balancer's headers. */
export function readHandshake(request: IncomingMessage, nowMs: number): Handshake {
  const headers = new Map<string, string[]>();
  const spellings = new Map<string, string>();
  const add = (name: string, value: string) => {
    const spelling = spellings.get(name.toLowerCase()) ?? name;
    spellings.set(name.toLowerCase(), spelling);
    const values = headers.get(spelling);
    if (values) values.push(value);
    else headers.set(spelling, [value]);
  };
  for (let index = 0; index + 1 < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (!hopHeaders.has(name.toLowerCase())) add(name, request.rawHeaders[index + 1] ?? '');
  }

  const replace = (name: string, value: string) => {
    headers.delete(spellings.get(name.toLowerCase()) ?? name);
    headers.set(name, [value]);
  };
  if (!spellings.has('x-amzn-trace-id')) add('X-Amzn-Trace-Id', createTraceId(nowMs));
  const forwarded = request.headers['x-forwarded-for'];
  const sourceIp = sourceIpOf(request);
  replace('X-Forwarded-For', forwarded === undefined ? sourceIp : `${String(forwarded)}, ${sourceIp}`);
  replace('X-Forwarded-Port', String(request.socket.localPort ?? ''));
  replace('X-Forwarded-Proto', 'http');
  return { headers, query: readQuery(request.url ?? '') };
}

export function identityOf(request: IncomingMessage): Identity {
  const userAgent = request.headers['user-agent'];
  const sourceIp = sourceIpOf(request);
  return userAgent === undefined ? { sourceIp } : { userAgent, sourceIp };
}

/** A dual-stack socket reports IPv4 peers as `::ffff:127.0.0.1`. */
function sourceIpOf(request: IncomingMessage): string {
  return (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
}

function readQuery(url: string): Map<string, string[]> {
  const query = new Map<string, string[]>();
  const start = url.indexOf('?');
  if (start === -1) return query;
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    const values = query.get(name);
    if (values) values.push(value);
    else query.set(name, [value]);
  }
  return query;
}

const tokenPattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

export function isToken(text: string): boolean {
  return tokenPattern.test(text);
}

/**
 * Says what is wrong with an opening handshake (RFC 6455 4.2.1); undefined if it is valid. Checked
 * before `$connect`, so that no function runs for a connection that cannot open.
 */
export function handshakeFault(request: IncomingMessage): string | undefined {
  const { headers } = request;
  if (request.method !== 'GET') return 'Method must be GET';
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'Upgrade must be websocket';
  if (headers['sec-websocket-version'] !== '13') return 'Sec-WebSocket-Version must be 13';
  if (!/^[+/0-9A-Za-z]{22}==$/.test(headers['sec-websocket-key'] ?? ''))
    return 'Sec-WebSocket-Key is invalid';
  const offered = headers['sec-websocket-protocol'];
  if (offered !== undefined) {
    const protocols = offered.split(',').map((protocol) => protocol.trim());
    if (!protocols.every(isToken) || new Set(protocols).size !== protocols.length) {
      return 'Sec-WebSocket-Protocol is invalid';
    }
  }
  return undefined;
}
