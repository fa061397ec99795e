import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';

export interface FunctionLog extends Log {
  /** Writes the counters of one invocation as one line in embedded metric format. */
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
  return {
    debug: (message, fields) => logger.debug(message, { ...fields }),
    info: (message, fields) => logger.info(message, { ...fields }),
    warn: (message, fields) => logger.warn(message, { ...fields }),
    error: (message, fields) => logger.error(message, { ...fields }),
    count: (metric, value = 1) => {
      if (value > 0) metrics.addMetric(metric, MetricUnit.Count, value);
    },
    flush: () => {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    },
  };
}
