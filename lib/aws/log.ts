import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace, refusalMetric } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import type { ReasonName } from '../core/reasons.ts';

export interface FunctionLog extends Log {
  /**
   * Writes the counters of one invocation in embedded metric format: one line, and one for each
   * code of its refusals.
   */
  flush(): void;
}

/**
 * Structured logs, and metrics in embedded metric format. Both are lines on stdout, without a call
 * or an agent. `POWERTOOLS_SERVICE_NAME` names the deployment in both, so that several in one
 * account stay apart.
 */
export function createPowertoolsLog(): FunctionLog {
  const logger = new Logger();
  const metrics = new Metrics({ namespace: metricsNamespace });
  const refusalMetrics = new Metrics({ namespace: metricsNamespace });
  const refusals = new Map<ReasonName, number>();
  return {
    debug: (message, fields) => logger.debug(message, { ...fields }),
    info: (message, fields) => logger.info(message, { ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fields }),
    error: (message, fields) => logger.error(message, { ...fields }),
    count: (metric, value = 1) => {
      if (value > 0) metrics.addMetric(metric, MetricUnit.Count, value);
    },
    countRefusal: (code, value = 1) => {
      if (value > 0) refusals.set(code, (refusals.get(code) ?? 0) + value);
    },
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
      for (const [code, count] of refusals) {
        // A line has one value of each dimension.
        refusalMetrics.addDimension(refusalMetric.dimension, code);
        refusalMetrics.addMetric(refusalMetric.name, MetricUnit.Count, count);
        refusalMetrics.publishStoredMetrics();
      }
      refusals.clear();
    },
  };
}
