import type { Command } from 'commander';
import { type MetricsServer, type Scrape, startMetricsServer } from '../local/metrics/index.ts';
import { listenError } from './listen-error.ts';
import { parsePort } from './options.ts';

export interface MetricsFlags {
  /** Default: 127.0.0.1. */
  readonly metricsHost?: string;
  readonly metricsPort?: number;
}

/** Adds the flags of commands that serve metrics of their process. */
export function addMetricsOptions(command: Command): Command {
  return command
    .option('--metrics-port <port>', 'GET /metrics: OpenMetrics for Prometheus (docs/metrics.md)', parsePort)
    .option(
      '--metrics-host <address>',
      'address of the metrics; any address but loopback shows them to your network',
      '127.0.0.1',
    );
}

/**
 * Serves the metrics if a port is given.
 *
 * @throws UserError if it is in use
 */
export async function metricsOf(
  { metricsHost: host = '127.0.0.1', metricsPort: port }: MetricsFlags,
  scrape: Scrape,
): Promise<MetricsServer | undefined> {
  if (port === undefined) return undefined;
  return startMetricsServer({ host, port }, scrape).catch((error: unknown) => {
    throw listenError(error, host, [['--metrics-port', port]]) ?? error;
  });
}

/** A line of the start of a command, as `listeningLines` makes them. */
export function metricsLines(server: MetricsServer | undefined): string[] {
  return server === undefined ? [] : [`  metrics                        ${server.url}`];
}
