import type { Command } from 'commander';
import { openMetricsType } from '../../metrics/open-metrics.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parsePort, parseTenantName } from '../options.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

interface MetricsOptions extends TargetOptions {
  readonly tenant?: string;
  readonly port?: number;
  readonly host: string;
}

/** What a scraper may ask for. */
const parameters = ['tenant', 'page', 'limit'] as const;

/** `wisp metrics`: usage of tenants as OpenMetrics, printed once or served to Prometheus. */
export function addMetricsCommand(program: Command, terminal: Terminal): void {
  addTargetOptions(program.command('metrics'))
    .summary('show usage of tenants as OpenMetrics, or serve it to Prometheus')
    .description(
      'Prints usage of tenants since 00:00 UTC as OpenMetrics. With --port it serves this at /metrics until ' +
        "Ctrl-C, and reads the deployment at each scrape, signed with this machine's AWS credentials: Prometheus " +
        'needs none. docs/metrics.md shows its configuration and what a scrape costs.',
    )
    .option('--tenant <name>', 'only this tenant', parseTenantName)
    .option('--port <port>', 'serve GET /metrics at this port, usually 9464', parsePort)
    .option('--host <address>', 'address to listen on; 0.0.0.0 or :: for all', '127.0.0.1')
    .addHelpText('after', ownExamples(help))
    .action(async (options: MetricsOptions) => {
      const { tenant, port, host } = options;
      const target = resolveTarget(options);
      const api = adminApi(target, await target.connect());
      const read = (asked: URLSearchParams): Promise<string> => {
        const query = new URLSearchParams();
        for (const name of parameters) {
          const value = (name === 'tenant' ? tenant : undefined) ?? asked.get(name);
          if (value !== null) query.set(name, value);
        }
        return api.text(`/metrics?${query}`);
      };
      if (port === undefined) {
        terminal.out((await read(new URLSearchParams())).trimEnd());
        return;
      }
      const [{ startMetricsServer }, { listenError }] = await Promise.all([
        import('../../local/metrics/index.ts'),
        import('../listen-error.ts'),
      ]);
      const ended = untilAskedToStop(terminal);
      const server = await startMetricsServer({ host, port }, async (query) => ({
        status: 200,
        contentType: openMetricsType,
        text: await read(query),
      })).catch((error: unknown) => {
        throw listenError(error, host, [['--port', port]]) ?? error;
      });
      terminal.out(`Metrics of ${target.label}: ${server.url}. Ctrl-C ends it.`);
      await ended;
      await server.close();
    });
}

const help = `
Examples:
  $ wisp metrics --tenant acme
  $ wisp metrics --stack Wisp --port 9464`;
