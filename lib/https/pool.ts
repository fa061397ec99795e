import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** How long a connection is kept for the next request, in ms: below the 60 s of most servers. */
const idleMs = 20_000;
/** Idle connections that are kept for one host. */
const idlePerHost = 8;

/** Connections that are kept for later requests to the same host, by the scheme of URLs. */
export interface ConnectionPool {
  readonly 'https:': HttpsAgent;
  readonly 'http:': HttpAgent;
}

/** In a module of its own: the functions that verify tokens need no pool. */
export function createConnectionPool(): ConnectionPool {
  const options = { keepAlive: true, timeout: idleMs, maxFreeSockets: idlePerHost } as const;
  return { 'https:': new HttpsAgent(options), 'http:': new HttpAgent(options) };
}
