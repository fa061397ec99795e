import type { IncomingMessage } from 'node:http';
import { isAddress, isLoopback } from '../from-program.ts';

/**
 * Whether a request comes from this machine and names this server by an address or as `localhost`:
 * neither another machine nor a page that reaches loopback through a host name of its own (DNS
 * rebinding).
 */
export function isForThisMachine(request: IncomingMessage): boolean {
  return isLoopback(request.socket.remoteAddress) && isAddress(request.headers.host);
}

/**
 * Whether a page of this very server sent the request, or a program. Browsers tell where a page is
 * from: `Origin` for all requests that may change something, `Sec-Fetch-Site` for all of them.
 * Another port of this machine is another origin, although the cookie does not tell ports apart.
 */
export function isFromOwnPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  return (
    (origin === undefined || origin === `http://${host}`) && (site === undefined || site === 'same-origin')
  );
}

/** The value of a cookie of the request. */
export function cookieOf({ headers }: IncomingMessage, name: string): string | undefined {
  for (const cookie of (headers.cookie ?? '').split(';')) {
    const [key, value] = cookie.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
