import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openMetricsType } from '../metrics/open-metrics.ts';

/**
 * Serves `GET /health` for a load balancer: 200 while clients may come, 503 while the process
 * drains or has lost its lease. Serves `GET /metrics` where `metricsText` gives it.
 */
export async function startHealthCheck(
  host: string,
  port: number,
  isHealthy: () => boolean,
  metricsText?: () => string,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url === '/metrics' && metricsText !== undefined) {
      response.writeHead(200, { 'Content-Type': openMetricsType, Connection: 'close' });
      response.end(metricsText());
      return;
    }
    const status = request.url !== '/health' ? 404 : isHealthy() ? 200 : 503;
    response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' });
    response.end(status === 200 ? 'serving\n' : 'not serving\n');
  });
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
