import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace, tenantUsageMetrics } from '../core/metrics.ts';
import type { UsageCounts, UsageMetrics } from '../core/usage.ts';

const units = {
  messagesIn: MetricUnit.Count,
  bytesIn: MetricUnit.Bytes,
  messagesOut: MetricUnit.Count,
  bytesOut: MetricUnit.Bytes,
  connects: MetricUnit.Count,
  connectionMs: MetricUnit.Milliseconds,
} as const satisfies Partial<Record<keyof UsageCounts, string>>;

const meteredNames = Object.keys(units) as (keyof typeof units)[];

/**
 * Usage as CloudWatch metrics with dimension `tenant`: one line in embedded metric format for each
 * write of counts. CloudWatch bills up to seven metrics for each tenant, for the hours in which
 * they get values.
 */
export function createTenantMetrics(): UsageMetrics {
  const metrics = new Metrics({ namespace: metricsNamespace });
  return {
    put({ tenant, atMs, counts, storedBytes }) {
      for (const name of meteredNames) {
        const count = counts[name];
        if (count !== undefined) metrics.addMetric(tenantUsageMetrics[name], units[name], count);
      }
      if (storedBytes !== undefined)
        metrics.addMetric(tenantUsageMetrics.storedBytes, MetricUnit.Bytes, storedBytes);
      if (!metrics.hasStoredMetrics()) return;
      metrics.addDimension('tenant', tenant);
      metrics.setTimestamp(atMs);
      metrics.publishStoredMetrics();
    },
  };
}
