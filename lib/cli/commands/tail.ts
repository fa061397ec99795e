import { type Command, Option } from 'commander';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parseCount, parseObserveTime, parseTenantName } from '../options.ts';
import { adminApi, resolveTarget, type TargetOptions, webSocketUrlOf } from '../target.ts';
import type { Terminal } from '../terminal.ts';

interface TailOptions extends TargetOptions {
  readonly payload?: true;
  readonly for: number;
  readonly count?: number;
  readonly json?: true;
  readonly url?: string;
}

/** `wisp tail`: shows live messages with an operator's temporary session. */
export function addTailCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('tail')
    .summary('show live messages of a tenant, as its operator')
    .description(
      'Shows messages that are published from now on: time, topic, bytes, RETAIN and properties. Needs no ' +
        'token of the tenant: it makes a temporary session through the admin API, which may subscribe to ' +
        'these filters and do nothing else, and ends it at the end. Every message comes at QoS 0.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .argument('<filter...>', 'topic filters, such as sensors/+/temperature or #')
    .option('--payload', 'with the payload')
    .addOption(
      new Option('--for <time>', 'end after this time, at most 1h')
        .argParser(parseObserveTime)
        .default(600, '10m'),
    )
    .addOption(new Option('--count <n>', 'end after this many messages').argParser(parseCount))
    .option('--json', 'each message as a JSON document on one line')
    .option('--url <url>', 'WebSocket API, where the deployment is on an emulator');
  addTargetOptions(command)
    .addHelpText('after', ownExamples(help))
    .action((tenant: string, filters: string[], options: TailOptions) =>
      showMessages(tenant, [...new Set(filters)], options, terminal),
    );
}

async function showMessages(
  tenant: string,
  filters: readonly string[],
  options: TailOptions,
  terminal: Terminal,
): Promise<void> {
  const { json, payload = false, count = Number.POSITIVE_INFINITY } = options;
  const target = resolveTarget(options);
  const connection = await target.connect();
  const [{ observe }, { tailJson, tailLine }] = await Promise.all([
    import('../subscribe/observe.ts'),
    import('../subscribe/tail-line.ts'),
  ]);
  let left = count;
  await observe({
    ...{ tenant, filters, terminal, seconds: options.for },
    api: adminApi(target, connection),
    url: webSocketUrlOf(target, connection, options.url),
    onMessage(message) {
      terminal.out((json ? tailJson : tailLine)(message, new Date(), payload));
      left -= 1;
      return left > 0;
    },
  });
}

const help = `
Examples:
  $ wisp tail demo '#'
  $ wisp tail demo 'sensors/+/temperature' --payload --for 1m
  $ wisp tail acme 'alarms/#' --json --stack Wisp`;
