import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstTenantFamilies } from '../../lib/admin/metrics.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { openMetricsText, openMetricsType } from '../../lib/metrics/open-metrics.ts';
import { startTestService, type TestService } from '../support/service.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.close());

const scrape = (query = ''): Promise<Response> => fetch(`${service.adminUrl}/metrics${query}`);
const scraped = async (query = ''): Promise<string> => (await scrape(query)).text();

it('shows the sums of the day, which start again at midnight, and gauges', async () => {
  await service.tenant('metered');
  const tenant = vouchedTenantId('metered');
  const { usageStore } = service.stores;
  const busy = { counts: { messagesIn: 2, bytesIn: 20 } };
  for (const hour of ['2026-11-20T23', '2026-11-21T00', '2026-11-21T12'])
    await usageStore.addCounts(tenant, hour, busy);
  for (const hour of ['2026-11-21T00', '2026-11-21T12'])
    await usageStore.addCounts(tenant, hour, { counts: {}, refusals: { 'token-expired': 2 } });
  const connections = { connects: 3, connectionMs: 1_500 };
  await usageStore.addGauges(tenant, { connections: 1, retainedBytes: 9 }, '2026-11-21T12', connections);
  const textAt = async (nowMs: number): Promise<string> => {
    const { adminContext } = service.service;
    const families = await firstTenantFamilies({ ...adminContext, clock: { nowMs: () => nowMs } });
    return openMetricsText(families);
  };
  const noon = await textAt(Date.UTC(2026, 10, 21, 12, 30));
  expect(noon).toContain(
    'wisp_messages_in_total{tenant="metered"} 4\n' +
      `wisp_messages_in_created{tenant="metered"} ${Date.UTC(2026, 10, 21) / 1000}\n`,
  );
  expect(noon).toContain('wisp_bytes_in_total{tenant="metered"} 40\n');
  expect(noon).toContain('wisp_connects_total{tenant="metered"} 3\n');
  expect(noon).toContain('wisp_connection_seconds_total{tenant="metered"} 1.5\n');
  expect(noon).toContain('wisp_tenant_refusals_total{tenant="metered",code="token-expired"} 4\n');
  expect(noon).toContain('wisp_connections{tenant="metered"} 1\n');
  expect(noon).toContain('wisp_retained_bytes{tenant="metered"} 9\n');
  expect(noon).toContain('wisp_tenants_cut 0\n# EOF\n');
  expect(await textAt(Date.UTC(2026, 10, 22))).toContain('wisp_messages_in_total{tenant="metered"} 0\n');
});

it('shows one tenant alone, or a page of them and where the next is', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await service.tenant(name);
  const one = await scraped('?tenant=page-b');
  expect(one).toContain('tenant="page-b"');
  expect(one).not.toContain('page-a');
  const found = new Set<string>();
  let query = '?limit=2';
  while (query !== '') {
    const response = await scrape(query);
    expect(response.headers.get('content-type')).toBe(openMetricsType);
    const text = await response.text();
    const names = [...text.matchAll(/^wisp_connections\{tenant="([^"]+)"/gm)].map(([, name]) => name ?? '');
    for (const name of names) found.add(name);
    const next = /^<\?(page=[\w-]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
    expect(text).toContain(`wisp_tenants_cut ${next === undefined ? 0 : 1}\n`);
    query = next === undefined ? '' : `?limit=2&${next}`;
  }
  expect([...found].filter((name) => name.startsWith('page-'))).toEqual(['page-a', 'page-b', 'page-c']);
});

it.each([
  ['?tenant=nobody', 404, 'tenant-unknown'],
  ['?tenant=No%20Name', 400, 'tenant-name'],
  ['?limit=1001', 400, 'parameter'],
  ['?page=x', 400, 'page'],
])('refuses %s', async (query, status, code) => {
  const response = await scrape(query);
  expect({ status: response.status, code: ((await response.json()) as { code: string }).code }).toEqual({
    status,
    code,
  });
});
