import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { parsePort } from '../options.ts';
import type { Terminal } from '../terminal.ts';

interface StartOptions {
  readonly host: string;
  readonly port: number;
  readonly mqttPort: number;
  readonly wsPort: number;
  readonly adminPort: number;
  readonly data?: string;
  readonly logLevel: string;
}

const logLevels = ['debug', 'info', 'warn', 'error'] as const;

/** `wisp start`: the whole service in this process, until Ctrl-C. */
export function addStartCommand(program: Command, terminal: Terminal): void {
  program
    .command('start')
    .summary('run the whole service on this machine')
    .description(
      'Runs the whole service on this machine: gateway, store, functions, and the bridge for stock ' +
        'MQTT clients. Creates a tenant "demo" on the first start and prints how to connect.',
    )
    .option('--port <port>', 'gateway: the wire profile over WebSocket', parsePort, 8080)
    .option('--mqtt-port <port>', 'bridge: MQTT over TCP', parsePort, 1883)
    .option('--ws-port <port>', 'bridge: binary MQTT over WebSocket', parsePort, 8083)
    .option('--admin-port <port>', 'admin API (this machine only) and publishing over HTTP', parsePort, 8081)
    .option(
      '--host <address>',
      'address to listen on; any address but loopback opens the service to your network',
      '127.0.0.1',
    )
    .option('--data <directory>', 'keep state on disk (default: in memory until the process ends)')
    .addOption(new Option('--log-level <level>', 'lowest level to log').choices(logLevels).default('info'))
    .addHelpText('after', help)
    .action((options: StartOptions) => start(options, terminal));
}

async function start(options: StartOptions, terminal: Terminal): Promise<void> {
  const { startLocal } = await import('../../local/runtime.ts');
  const ended = untilAskedToStop(terminal);
  const { host, port, mqttPort, wsPort, adminPort, data, logLevel } = options;
  const started = startLocal({
    host,
    port,
    mqttPort,
    wsPort,
    adminPort,
    logLevel,
    print: (line) => terminal.out(line),
    ...(data === undefined ? {} : { dataDirectory: resolve(data) }),
  }).catch((error: unknown) => {
    throw userErrorOf(error, options) ?? error;
  });
  // First the start: its failure must show at once, and a service can only close after it.
  const service = await started;
  await ended;
  await service.close();
}

/**
 * Signals within this time count as one: the terminal sends Ctrl-C to the whole process group, and
 * npm may forward it as well.
 */
const sameSignalMs = 1_000;
const parentCheckMs = 500;

/**
 * Resolves on the first SIGINT or SIGTERM; a later one ends the process at once. Under `npm start`
 * it also resolves when the shell between npm and this process ends, because npm sends SIGTERM only
 * to that shell.
 */
function untilAskedToStop(terminal: Terminal): Promise<void> {
  return new Promise((done) => {
    let askedAtMs: number | undefined;
    const onSignal = (signal: NodeJS.Signals) => {
      if (askedAtMs !== undefined && performance.now() - askedAtMs < sameSignalMs) return;
      if (askedAtMs !== undefined) process.exit(signal === 'SIGINT' ? 130 : 143);
      askedAtMs = performance.now();
      terminal.err('Closing. Press Ctrl-C again to stop at once.');
      done();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    if (process.env.npm_lifecycle_event === undefined) return;
    const parent = process.ppid;
    const check = () => {
      if (process.ppid !== parent) done();
    };
    setInterval(check, parentCheckMs).unref();
  });
}

function userErrorOf(error: unknown, options: StartOptions): UserError | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (error.code === 'EMBEDDED_DYNAMODB_LOCKED') return new UserError('data-locked', error.message);
  if (error.code === 'EMBEDDED_DYNAMODB_UNUSABLE') return new UserError('data-unusable', error.message);
  const taken = 'port' in error ? Number(error.port) : undefined;
  const flags = [
    ['--port', options.port],
    ['--mqtt-port', options.mqttPort],
    ['--ws-port', options.wsPort],
    ['--admin-port', options.adminPort],
  ] as const;
  const flag = flags.find(([, value]) => value === taken)?.[0];
  const choose = flag === undefined ? 'another port' : `another one with ${flag} (0 picks a free one)`;
  if (error.code === 'EADDRINUSE') {
    return new UserError('port-in-use', `port ${taken} is in use; choose ${choose}`, {
      exitCode: exitCodes.failed,
    });
  }
  if (error.code === 'EACCES' && taken !== undefined) {
    return new UserError('port-forbidden', `this user may not listen on port ${taken}; choose ${choose}`);
  }
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new UserError('host-unavailable', `${options.host} is not an address of this machine; see --host`);
  }
  if (error.code === 'EEXIST' || error.code === 'ENOTDIR') {
    return new UserError('data-unusable', `${options.data} cannot be used as a directory; see --data`);
  }
  return undefined;
}

const help = `
Examples:
  $ wisp start
  $ wisp start --data ./wisp-data --log-level warn
  $ wisp start --port 0 --mqtt-port 0 --ws-port 0 --admin-port 0`;
