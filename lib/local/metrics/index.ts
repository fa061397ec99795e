import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type MetricFamily, openMetricsText, openMetricsType } from '../../metrics/open-metrics.ts';
import { isAddress, isFromProgram, isLoopback } from '../from-program.ts';
import { listenOn } from '../listen.ts';
import { urlHost } from '../url-host.ts';

export const metricsPath = '/metrics';

/** An answer to a scrape: its text, or why there is none. */
export interface Scraped {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** What serves one scrape. `query` is that of the request. */
export type Scrape = (query: URLSearchParams) => Promise<Scraped>;

export interface MetricsServer {
  /** `http://host:port/metrics` */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A scrape of families that are read anew each time; scrapes at the same time share one reading.
 */
export function scrapeOf(read: () => Promise<readonly MetricFamily[]>): Scrape {
  let reading: Promise<Scraped> | undefined;
  return () => {
    reading ??= read()
      .then((families) => ({ status: 200, contentType: openMetricsType, text: openMetricsText(families) }))
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
}

/**
 * Serves `GET /metrics` at a port of its own. Never to pages in a browser: any site's page can send
 * requests to addresses that only this machine or its network reaches.
 *
 * @throws the server's error, such as `code` EADDRINUSE.
 */
export async function startMetricsServer(
  { host, port }: { readonly host: string; readonly port: number },
  scrape: Scrape,
): Promise<MetricsServer> {
  const server = createServer((request, response) => void serveMetrics(scrape, request, response, mayScrape));
  const address = await listenOn(server, host, port);
  return {
    url: `http://${urlHost(address.address)}:${address.port}${metricsPath}`,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Serves a scrape to programs of this machine alone, at the port of another server. */
export function serveOwnMetrics(
  scrape: Scrape,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isOwn = isLoopback(request.socket.remoteAddress) && isFromProgram(request);
  return serveMetrics(scrape, request, response, () => isOwn);
}

async function serveMetrics(
  scrape: Scrape,
  request: IncomingMessage,
  response: ServerResponse,
  mayServe: (request: IncomingMessage) => boolean,
): Promise<void> {
  const [path, query] = (request.url ?? '').split('?', 2);
  const answer = ({ status, contentType, text }: Scraped): void => {
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(text),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  // Bodies are of no use here.
  request.resume();
  if (path !== metricsPath) answer(plain(404, 'only /metrics'));
  else if (!mayServe(request)) answer(plain(403, 'not for pages in a browser, nor for other machines'));
  else if (request.method !== 'GET' && request.method !== 'HEAD') answer(plain(405, 'only GET'));
  else
    await scrape(new URLSearchParams(query)).then(answer, (error: unknown) =>
      answer(plain(500, error instanceof Error ? error.message : 'failed')),
    );
}

/** Scrapers in other networks may call the host by a name; on this machine names may be rebound. */
function mayScrape(request: IncomingMessage): boolean {
  const { origin, host, 'sec-fetch-site': fetchSite } = request.headers;
  if (origin !== undefined || fetchSite !== undefined) return false;
  return !isLoopback(request.socket.remoteAddress) || isAddress(host);
}

function plain(status: number, text: string): Scraped {
  return { status, contentType: 'text/plain; charset=utf-8', text: `${text}\n` };
}
