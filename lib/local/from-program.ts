import type { IncomingMessage } from 'node:http';

/**
 * Whether a program sent the request, not a page in a browser. Any site's page can send requests to
 * this machine, directly or through a host name of its own that resolves to loopback (DNS
 * rebinding). Browsers reveal themselves by `Origin`, by `Sec-Fetch-Site`, or by a `Host` that is
 * neither an address nor `localhost`.
 */
export function isFromProgram({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers;
  if (origin !== undefined || headers['sec-fetch-site'] !== undefined) return false;
  return isAddress(host);
}

/** Whether a `Host` is `localhost` or an address, which no name server resolves (DNS rebinding). */
export function isAddress(host = ''): boolean {
  return /^(localhost|[\d.]+|\[[\da-f:.]+\])(:\d+)?$/i.test(host);
}

/** Whether an address of a socket's other end is on this machine. */
export function isLoopback(address = ''): boolean {
  return /^(::1|(::ffff:)?127\.[\d.]+)$/.test(address);
}
