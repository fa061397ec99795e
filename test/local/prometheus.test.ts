import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { hourOf } from '../../lib/core/usage.ts';
import { listenOn } from '../../lib/local/listen.ts';
import { createLocalLog } from '../../lib/local/log.ts';
import { clientsFamily, counterFamilies, refusalFamily } from '../../lib/metrics/counters.ts';
import { processFamilies } from '../../lib/metrics/process.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

const dashboard = JSON.parse(
  await readFile(new URL('../../docs/grafana/wisp.json', import.meta.url), 'utf8'),
) as Dashboard;
const expressions = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => [title, expr] as const),
);

async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listenOn(server, '127.0.0.1', 0);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.skipIf(lacks('prometheus'))('Prometheus', () => {
  let service: TestService;
  let prometheus: ChildProcess;
  let directory: string;
  let url: string;

  beforeAll(async () => {
    const log = createLocalLog('silent', () => {});
    service = await startTestService({
      log,
      metrics: () => [
        ...counterFamilies(log),
        refusalFamily(log),
        clientsFamily(service.gateway.connectionCount()),
        ...processFamilies(),
      ],
    });
    const mint = await service.tenant('scraped');
    const client = await service.connect(mint, { clientId: 'publisher' });
    await client.publishAsync('t', 'xyz', { qos: 1 });
    log.countRefusal('publish-not-authorized');
    await service.stores.usageStore.addCounts(vouchedTenantId('scraped'), hourOf(service.service.nowMs()), {
      counts: { messagesIn: 1 },
      refusals: { 'publish-not-authorized': 1 },
    });
    directory = await mkdtemp(join(tmpdir(), 'wisp-prometheus-'));
    const { host } = new URL(service.adminUrl);
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'wisp', static_configs: [{ targets: [host] }] }],
    };
    // YAML holds JSON.
    await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config));
    const port = await freePort();
    url = `http://127.0.0.1:${port}/api/v1`;
    prometheus = spawn(
      requireTool('prometheus'),
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
  }, 30_000);
  afterAll(async () => {
    const ended = new Promise((resolve) => prometheus.once('exit', resolve));
    prometheus.kill();
    await ended;
    await service.close();
    await rm(directory, { recursive: true, force: true });
  });

  const found = async (expression: string): Promise<readonly unknown[]> => {
    const response = await fetch(`${url}/query?${new URLSearchParams({ query: expression })}`);
    const answer = (await response.json()) as {
      status: string;
      error?: string;
      data?: { result: unknown[] };
    };
    expect(answer.error).toBeUndefined();
    return answer.data?.result ?? [];
  };
  const eventually = { timeout: 60_000, interval: 500 };

  it('scrapes the local service without an error', async () => {
    await vi.waitFor(async () => expect(await found('up == 1')).toHaveLength(1), eventually);
    const { data } = (await (await fetch(`${url}/targets`)).json()) as {
      data: { activeTargets: { lastError: string }[] };
    };
    expect(data.activeTargets.map(({ lastError }) => lastError)).toEqual(['']);
    expect(await found('wisp_connects_total{tenant="scraped"}')).toHaveLength(1);
  }, 60_000);

  it.each(expressions)(
    'has data for "%s" of the dashboard: %s',
    async (_, expression) => {
      const query = expression.replaceAll('$__rate_interval', '1m').replaceAll(/\$(tenant|job)/g, '.*');
      await vi.waitFor(async () => expect((await found(query)).length).toBeGreaterThan(0), eventually);
    },
    60_000,
  );
});
