import { type Command, Option } from 'commander';
import { vouchedTenantId } from '../../core/tenant-id.ts';
import { traceTopic } from '../../core/traces.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parseObserveTime, parseTenantName } from '../options.ts';
import { adminApi, resolveTarget, type TargetOptions, webSocketUrlOf } from '../target.ts';
import { query } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';

interface TraceOptions extends TargetOptions {
  readonly client: string;
  readonly for: number;
  readonly json?: true;
  readonly url?: string;
}

/** `wisp trace`: shows what the service decides about one client, as it happens. */
export function addTraceCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('trace')
    .summary('show what the service decides about one client, as it happens')
    .description(
      'Shows a line for each decision about a client: admitted, refused and why, matched, queued, posted, ' +
        'acknowledged, dropped and why, connect and disconnect. Never a payload or a token. The lines are in ' +
        'the log too. The client need not be connected yet. Ends the trace at Ctrl-C.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .requiredOption('--client <id>', 'client identifier')
    .addOption(
      new Option('--for <time>', 'end after this time, at most 1h')
        .argParser(parseObserveTime)
        .default(300, '5m'),
    )
    .option('--json', 'each line as a JSON document')
    .option('--url <url>', 'WebSocket API, where the deployment is on an emulator');
  addTargetOptions(command)
    .addHelpText('after', ownExamples(help))
    .action((tenant: string, options: TraceOptions) => showTrace(tenant, options, terminal));
}

async function showTrace(tenant: string, options: TraceOptions, terminal: Terminal): Promise<void> {
  const { client: clientId, json } = options;
  const target = resolveTarget(options);
  const connection = await target.connect();
  const api = adminApi(target, connection);
  const [{ observe }, { traceText }] = await Promise.all([
    import('../subscribe/observe.ts'),
    import('../subscribe/trace-line.ts'),
  ]);
  const path = `/${tenant}/client/trace?${query({ clientId })}`;
  const filters = [traceTopic({ tenant: vouchedTenantId(tenant), clientId })];
  try {
    await observe({
      ...{ api, tenant, filters, terminal, seconds: options.for },
      url: webSocketUrlOf(target, connection, options.url),
      async onGranted() {
        await api.call('PUT', path, { seconds: options.for });
        terminal.err('Tracing.');
      },
      onMessage({ payload }) {
        const text = payload.toString();
        terminal.out(json ? text : traceText(text));
        return true;
      },
    });
  } finally {
    // It ends by itself, and why the command ends matters more.
    await api.call('DELETE', path).catch(() => undefined);
  }
}

const help = `
Examples:
  $ wisp trace demo --client sensor-7
  $ wisp trace acme --client sensor-7 --for 15m --json --stack Wisp`;
