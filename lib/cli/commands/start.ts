import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import { listenError } from '../listen-error.ts';
import { addMetricsOptions, type MetricsFlags } from '../metrics-options.ts';
import { logLevels, parseOrigins, parsePort } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

interface StartOptions extends MetricsFlags {
  readonly host: string;
  readonly port: number;
  readonly mqttPort: number;
  readonly tlsPort: number;
  readonly wsPort: number;
  readonly adminPort: number;
  readonly publishOrigins?: readonly string[];
  readonly data?: string;
  readonly logLevel: string;
  readonly edge?: boolean;
}

/** `wisp start`: the whole service in this process, until Ctrl-C. */
export function addStartCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('start')
    .summary('run the whole service on this machine')
    .description(
      'Runs the whole service on this machine: gateway, store, functions, and the bridge for stock ' +
        'MQTT clients. Creates a tenant "demo" on the first start and prints how to connect.',
    )
    .option('--edge', 'serve stock clients by an edge, in place of the bridge (docs/edge.md)')
    .option('--port <port>', 'gateway: the wire profile over WebSocket', parsePort, 8080)
    .option('--mqtt-port <port>', 'bridge: MQTT over TCP', parsePort, 1883)
    .option('--tls-port <port>', 'bridge: MQTT over TLS, with a certificate of its own', parsePort, 8883)
    .option('--ws-port <port>', 'bridge: binary MQTT over WebSocket', parsePort, 8083)
    .option('--admin-port <port>', 'admin API (this machine only) and publishing over HTTP', parsePort, 8081)
    .option(
      '--publish-origins <origins>',
      'origins whose pages may publish over HTTP, with commas between them, or none (default: all)',
      parseOrigins,
    )
    .option(
      '--host <address>',
      'address to listen on; any address but loopback opens the service to your network',
      '127.0.0.1',
    )
    .option('--data <directory>', 'keep state on disk (default: in memory until the process ends)')
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(logLevels).default('info'));
  addMetricsOptions(command)
    .addHelpText('after', ownExamples(help))
    .action((options: StartOptions) => start(options, terminal));
}

async function start(options: StartOptions, terminal: Terminal): Promise<void> {
  const { startLocal } = await import('../../local/runtime.ts');
  const ended = untilAskedToStop(terminal);
  const {
    host,
    port,
    mqttPort,
    tlsPort,
    wsPort,
    adminPort,
    publishOrigins,
    data,
    logLevel,
    metricsHost,
    metricsPort,
  } = options;
  const started = startLocal({
    host,
    port,
    mqttPort,
    tlsPort,
    wsPort,
    adminPort,
    logLevel,
    ...(options.edge === true ? { edge: true } : {}),
    print: (line) => terminal.out(line),
    ...(publishOrigins === undefined ? {} : { publishOrigins }),
    ...(metricsPort === undefined
      ? {}
      : { metrics: { host: metricsHost ?? '127.0.0.1', port: metricsPort } }),
    ...(data === undefined ? {} : { dataDirectory: resolve(data) }),
  }).catch((error: unknown) => {
    throw userErrorOf(error, options) ?? error;
  });
  // First the start: its failure must show at once, and a service can only close after it.
  const service = await started;
  await ended;
  await service.close();
}

function userErrorOf(error: unknown, options: StartOptions): UserError | undefined {
  const { host, port, mqttPort, tlsPort, wsPort, adminPort, metricsPort } = options;
  const failed = listenError(error, host, [
    ['--port', port],
    ['--mqtt-port', mqttPort],
    ['--tls-port', tlsPort],
    ['--ws-port', wsPort],
    ['--admin-port', adminPort],
    ['--metrics-port', metricsPort],
  ]);
  if (failed !== undefined || !(error instanceof Error) || !('code' in error)) return failed;
  if (error.code === 'EMBEDDED_DYNAMODB_LOCKED') return new UserError('data-locked', error.message);
  if (error.code === 'EMBEDDED_DYNAMODB_UNUSABLE') return new UserError('data-unusable', error.message);
  if (error.code === 'EEXIST' || error.code === 'ENOTDIR') {
    return new UserError('data-unusable', `${options.data} cannot be used as a directory; see --data`);
  }
  return undefined;
}

const help = `
Examples:
  $ wisp start
  $ wisp start --edge
  $ wisp start --data ./wisp-data --log-level warn
  $ wisp start --port 0 --mqtt-port 0 --tls-port 0 --ws-port 0 --admin-port 0`;
