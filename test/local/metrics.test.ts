import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type MetricsServer, scrapeOf, startMetricsServer } from '../../lib/local/metrics/index.ts';
import { processFamilies } from '../../lib/metrics/process.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let own: MetricsServer;
beforeAll(async () => {
  service = await startTestService({ metrics: processFamilies });
  own = await startMetricsServer(
    { host: '0.0.0.0', port: 0 },
    scrapeOf(async () => processFamilies()),
  );
});
afterAll(async () => {
  await own.close();
  await service.close();
});

const atAdminPort = (): string => new URL('/metrics', service.adminUrl).href;

/** `fetch` sets neither `Host` nor `Origin`. */
function answer(
  url: string,
  {
    method = 'GET',
    headers = {},
  }: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', text }),
      );
    })
      .on('error', reject)
      .end();
  });
}

describe('GET /metrics', () => {
  it('shows the process, and usage of tenants at the port of the admin API', async () => {
    const mint = await service.tenant('metered');
    const client = await service.connect(mint);
    await client.publishAsync('t', 'xyz', { qos: 1 });
    await service.service.flush();
    const { status, type, text } = await answer(atAdminPort());
    expect({ status, type }).toEqual({
      status: 200,
      type: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    });
    expect(text).toMatch(/\nprocess_resident_memory_bytes \d+\n/);
    expect(text).toContain('\nwisp_connections{tenant="metered"} 1\n');
    expect(text).toContain('\nwisp_connects_total{tenant="metered"} 1\n');
    expect(text).toMatch(/\n# EOF\n$/);
    await vi.waitFor(async () =>
      expect((await answer(atAdminPort())).text).toMatch(/\nnodejs_eventloop_lag_p99_seconds 0\.\d+\n/),
    );
  });

  it.each([
    ['another path', '/metrics/x', {}, 404],
    ['another method', '/metrics', { method: 'POST' }, 405],
    ['a page of another site', '/metrics', { headers: { origin: 'https://evil.example' } }, 403],
    ['a page without Origin', '/metrics', { headers: { 'sec-fetch-site': 'cross-site' } }, 403],
    ['a rebound name', '/metrics', { headers: { host: 'evil.example' } }, 403],
  ] as const)('refuses %s', async (_, path, options, status) => {
    for (const url of [atAdminPort(), own.url])
      expect(await answer(new URL(path, url).href, options)).toMatchObject({ status });
  });

  it('reads once for scrapes at the same time', async () => {
    let readings = 0;
    const scrape = scrapeOf(async () => {
      readings += 1;
      return [];
    });
    const none = new URLSearchParams();
    await Promise.all([scrape(none), scrape(none)]);
    expect(readings).toBe(1);
    await scrape(none);
    expect(readings).toBe(2);
  });

  const elsewhere = Object.values(networkInterfaces())
    .flat()
    .find((found) => found?.family === 'IPv4' && !found.internal)?.address;
  it.skipIf(elsewhere === undefined)('is for this machine alone at the port of the admin API', async () => {
    const open = await startTestService({ host: '0.0.0.0' });
    try {
      const { port } = new URL(open.adminUrl);
      expect(await answer(`http://${elsewhere}:${port}/metrics`)).toMatchObject({ status: 403 });
      const named = await answer(`http://${elsewhere}:${new URL(own.url).port}/metrics`, {
        headers: { host: 'wisp.internal:9100' },
      });
      expect(named).toMatchObject({ status: 200 });
    } finally {
      await open.close();
    }
  });
});
