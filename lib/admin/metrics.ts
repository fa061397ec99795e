import * as v from 'valibot';
import { concurrently } from '../core/concurrently.ts';
import { isTenantName, type TenantId, vouchedTenantId } from '../core/tenant-id.ts';
import { hourOf, type UsageCounts, type UsageGauges, type UsageHour } from '../core/usage.ts';
import { closedObject, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { checkedParameters, literalParameters } from '../http/read.ts';
import { type MetricFamily, openMetricsText, openMetricsType, type Sample } from '../metrics/open-metrics.ts';
import type { OperatorContext } from './context.ts';
import { pageStart, pageToken } from './paging.ts';
import type { AdminOperation } from './request.ts';

/** Most tenants in one answer. Each costs about 4 read units late in the day. */
const maxScrapedTenants = 1_000;
const limitSchema = closedObject({
  limit: v.exactOptional(wholeNumber(1, maxScrapedTenants), maxScrapedTenants),
});
/** Tenants whose usage is read at the same time. */
const readAtOnce = 20;

/** Counters of a tenant: what they are called, and how they follow from usage. */
const counters: readonly (readonly [name: string, help: string, of: (counts: UsageCounts) => number])[] = [
  ['messages_in', 'Messages that were published.', ({ messagesIn }) => messagesIn],
  ['bytes_in', 'Bytes of these messages: topic and payload.', ({ bytesIn }) => bytesIn],
  ['messages_out', 'Messages that were sent to clients.', ({ messagesOut }) => messagesOut],
  ['bytes_out', 'Bytes of these messages: topic and payload.', ({ bytesOut }) => bytesOut],
  ['connects', 'Accepted CONNECTs.', ({ connects }) => connects],
  [
    'connection_seconds',
    'Time that connections were open, counted when they end.',
    ({ connectionMs }) => connectionMs / 1000,
  ],
  ['packets_in', 'Packets of clients as the quota packetsPerSecond counts.', ({ packetsIn }) => packetsIn],
  [
    'deliveries',
    'Copies that messages were to have, as the quota deliveriesPerSecond counts.',
    ({ deliveries }) => deliveries,
  ],
  ['rule_deliveries', 'Records that messages have made for rules.', ({ ruleDeliveries }) => ruleDeliveries],
  ['rule_failures', 'Records of rules that were given up.', ({ ruleFailures }) => ruleFailures],
];

const gauges: readonly (readonly [name: string, help: string, of: keyof UsageGauges])[] = [
  ['connections', 'Connections that are open.', 'connections'],
  ['retained_messages', 'Retained messages.', 'retainedMessages'],
  ['retained_bytes', 'Bytes of retained messages.', 'retainedBytes'],
];

/**
 * Usage of tenants as OpenMetrics. Counters start again at 0 with each day (UTC): they are the sums
 * of its hours, which are written anyway. `?tenant=` shows one tenant; else all, `?limit=` of them
 * (1 to 1,000, which is the default) in an answer, whose `Link` header leads to the next
 * (`rel="next"`).
 */
export const showMetrics: AdminOperation = async ({ context, request: { query } }) => {
  const only = query.get('tenant');
  const { tenants, next } =
    only === null ? await page(context, query) : { tenants: [await one(context, only)] };
  return {
    status: 200,
    contentType: openMetricsType,
    text: openMetricsText(await tenantFamilies(context, tenants, next !== undefined)),
    ...(next === undefined ? {} : { headers: { link: `<?page=${next}>; rel="next"` } }),
  };
};

/** The families of the first tenants of a deployment. */
export async function firstTenantFamilies(context: OperatorContext): Promise<MetricFamily[]> {
  const { tenants, next } = await page(context, new URLSearchParams());
  return tenantFamilies(context, tenants, next !== undefined);
}

async function one({ tenantAdmin }: OperatorContext, name: string): Promise<TenantId> {
  if (!isTenantName(name)) throw new Problem('tenant-name');
  const tenant = vouchedTenantId(name);
  if ((await tenantAdmin.show(tenant)) === undefined) throw new Problem('tenant-unknown');
  return tenant;
}

async function page(
  { tenantAdmin }: OperatorContext,
  query: URLSearchParams,
): Promise<{ readonly tenants: readonly TenantId[]; readonly next?: string }> {
  const { limit } = checkedParameters(limitSchema, literalParameters(query, ['limit']));
  const { tenants, more } = await tenantAdmin.list(pageStart(query, 1)?.[0], limit);
  const last = tenants.at(-1);
  return {
    tenants: tenants.map(({ name }) => vouchedTenantId(name)),
    ...(more && last !== undefined ? { next: pageToken(last.name) } : {}),
  };
}

async function tenantFamilies(
  { usage, clock }: OperatorContext,
  tenants: readonly TenantId[],
  isCut: boolean,
): Promise<MetricFamily[]> {
  const hour = hourOf(clock.nowMs());
  const createdMs = Date.parse(`${hour.slice(0, 'yyyy-mm-dd'.length)}T00:00:00Z`);
  const read = new Map<TenantId, { readonly hours: readonly UsageHour[]; readonly now: UsageGauges }>();
  await concurrently(tenants, readAtOnce, async (tenant) => {
    const [hours, now] = await Promise.all([
      usage.report(tenant, hourOf(createdMs), hour),
      usage.gauges(tenant),
    ]);
    read.set(tenant, { hours, now });
  });
  const refused = tenants.flatMap((tenant) => {
    const sums = new Map<string, number>();
    for (const { refusals = {} } of read.get(tenant)?.hours ?? [])
      for (const [code, count] of Object.entries(refusals)) sums.set(code, (sums.get(code) ?? 0) + count);
    return [...sums].map(([code, value]): Sample => ({ labels: { tenant, code }, value, createdMs }));
  });
  return [
    ...counters.map(
      ([name, help, of]): MetricFamily => ({
        name: `wisp_${name}`,
        type: 'counter',
        help,
        samples: tenants.map((tenant) => {
          const hours = read.get(tenant)?.hours ?? [];
          const value = hours.reduce((sum, { counts }) => sum + of(counts), 0);
          return { labels: { tenant }, value, createdMs };
        }),
      }),
    ),
    ...gauges.map(
      ([name, help, of]): MetricFamily => ({
        name: `wisp_${name}`,
        type: 'gauge',
        help,
        samples: tenants.map((tenant) => ({ labels: { tenant }, value: read.get(tenant)?.now[of] ?? 0 })),
      }),
    ),
    {
      name: 'wisp_tenant_refusals',
      type: 'counter',
      help: 'What was refused or dropped, by the code of docs/errors.md.',
      samples: refused,
    },
    {
      name: 'wisp_tenants_cut',
      type: 'gauge',
      help: 'Whether there are more tenants than one answer shows.',
      samples: [{ value: isCut ? 1 : 0 }],
    },
  ];
}
