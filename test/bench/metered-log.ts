import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { metricsNamespace, refusalMetric } from '../../lib/core/metrics.ts';
import type { Log, LogFields, Ports } from '../../lib/core/ports.ts';

export interface MeteredLog {
  /** Bytes that the functions would have written to CloudWatch Logs at level INFO. */
  readonly bytes: number;
  /** Counts what passes through the ports. Pass it to `wrapPorts`. */
  wrap(ports: Ports): Ports;
}

/**
 * Counts the bytes of log lines and of the counters of each invocation, as one line in embedded
 * metric format. An invocation ends when it flushes its usage. Counters of invocations that run at
 * the same time are counted as one line, so measure one after the other.
 */
export function createMeteredLog(): MeteredLog {
  const counters = new Metrics({ namespace: metricsNamespace, serviceName: 'Wisp' });
  const refusals = new Set<string>();
  let bytes = 0;
  const line = (content: unknown): void => {
    bytes += Buffer.byteLength(JSON.stringify(content)) + 1;
  };
  const at =
    (level: string, write: Log['info']): Log['info'] =>
    (message: string, fields?: LogFields) => {
      // The keys of a line of Powertools for AWS Lambda.
      const timestamp = new Date().toISOString();
      line({ level, message, timestamp, service: 'Wisp', sampling_rate: 0, ...fields });
      write(message, fields);
    };
  return {
    get bytes() {
      return bytes;
    },
    wrap(ports) {
      const { log, usage } = ports;
      const flush = async (): Promise<void> => {
        await usage.flush();
        if (counters.hasStoredMetrics()) line(counters.serializeMetrics());
        counters.clearMetrics();
        for (const code of refusals) {
          counters.addDimension(refusalMetric.dimension, code);
          counters.addMetric(refusalMetric.name, MetricUnit.Count, 1);
          line(counters.serializeMetrics());
          counters.clearMetrics();
          counters.clearDimensions();
        }
        refusals.clear();
      };
      const meteredUsage = new Proxy(usage, {
        get(target, name) {
          if (name === 'flush') return flush;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
      return {
        ...ports,
        usage: meteredUsage,
        log: {
          debug: (message, fields) => log.debug(message, fields),
          info: at('INFO', (message, fields) => log.info(message, fields)),
          warn: at('WARN', (message, fields) => log.warn(message, fields)),
          error: at('ERROR', (message, fields) => log.error(message, fields)),
          count: (metric, value = 1) => {
            log.count(metric, value);
            if (value > 0) counters.addMetric(metric, MetricUnit.Count, value);
          },
          countRefusal: (code, value = 1) => {
            log.countRefusal(code, value);
            refusals.add(code);
          },
        },
      };
    },
  };
}
