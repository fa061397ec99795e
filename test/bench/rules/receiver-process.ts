/** Child process that receives webhooks. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve } from '../process.ts';

let server: Server | undefined;
let status = 204;
const ids = new Set<string>();
let latenciesMs: number[] = [];
let waiting: { readonly count: number; readonly resolve: () => void } | undefined;

/** Payloads hold the time of publishing, in ms since 1970. */
function receive(id: string, body: string): void {
  const atMs = performance.timeOrigin + performance.now();
  if (!ids.has(id)) latenciesMs.push(atMs - Number(body.slice(0, 24)));
  ids.add(id);
  if (waiting !== undefined && ids.size >= waiting.count) waiting.resolve();
}

const offered = {
  async start(_: undefined): Promise<{ url: string }> {
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const id = request.headers['webhook-id'];
        if (status === 204 && typeof id === 'string') receive(id, Buffer.concat(chunks).toString());
        response.writeHead(status).end();
      });
    });
    server.keepAliveTimeout = 60_000;
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
  },
  /** What each further request is answered; only those with 204 count as received. */
  async answer(given: number): Promise<void> {
    status = given;
  },
  async reset(_: undefined): Promise<void> {
    ids.clear();
    latenciesMs = [];
    waiting = undefined;
  },
  /** Resolves when so many different ids have been received. @returns their latencies in ms. */
  async received(count: number): Promise<number[]> {
    if (ids.size < count) await new Promise<void>((resolve) => (waiting = { count, resolve }));
    return latenciesMs;
  },
};
export type Receiver = typeof offered;

serve(offered);
