import { type Command, InvalidArgumentError, Option } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { isTopicError, parseFilter } from '../../topics/index.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parseCount, parseTenantName } from '../options.ts';
import { signingKeyOf } from '../signing-key.ts';
import { resolveTarget, type Target, type TargetOptions, webSocketUrlOf } from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

interface SubOptions extends TargetOptions {
  readonly qos: 0 | 1 | 2;
  readonly protocol: 4 | 5;
  readonly json?: true;
  readonly count?: number;
  readonly clientId?: string;
  readonly retained: boolean;
  readonly token?: string;
  readonly key?: string;
  readonly url?: string;
}

/** `wisp sub`: prints messages as they arrive, until Ctrl-C or `--count` messages. */
export function addSubscribeCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('sub')
    .summary('subscribe and print messages as they arrive')
    .description(
      'Subscribes as a client of the tenant and prints each message on a line, topic and payload, until ' +
        'Ctrl-C. Signs a token for these filters with the key of "wisp tenant create". Connects again ' +
        'after a loss; messages that are published meanwhile are missed.',
    )
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .argument('<filter...>', 'topic filters, such as sensors/+/temperature or #')
    .addOption(new Option('--qos <qos>', '0, 1 or 2').argParser(oneOf(0, 1, 2)).default(0))
    .option('--json', 'each message as a JSON document on one line, with its properties')
    .addOption(new Option('--count <n>', 'end after this many messages').argParser(parseCount))
    .option('--no-retained', 'without the messages that are retained already')
    .option(
      '--client-id <id>',
      'ends the session of a client that has this id (default: the service assigns one)',
    )
    .addOption(
      new Option('--protocol <version>', '4: MQTT 3.1.1; 5: MQTT 5.0').argParser(oneOf(4, 5)).default(5),
    )
    .option('--token <jwt>', 'a token instead of one that is signed here')
    .option('--key <file>', 'private key file (default: that of "wisp tenant create")')
    .option('--url <url>', 'WebSocket API, where the deployment is on an emulator');
  addTargetOptions(command)
    .addHelpText('after', ownExamples(help))
    .action((tenant: string, filters: string[], options: SubOptions) =>
      printMessages(tenant, [...new Set(filters)], options, terminal),
    );
}

async function printMessages(
  tenant: string,
  filters: readonly string[],
  options: SubOptions,
  terminal: Terminal,
): Promise<void> {
  const { qos, json, count = Number.POSITIVE_INFINITY, clientId = '', retained, protocol } = options;
  const target = resolveTarget(options);
  const allowed = filters.map(permittedFilter);
  const [{ subscribe }, { messageJson, messageLine }] = await Promise.all([
    import('../subscribe/subscribe.ts'),
    import('../subscribe/message-line.ts'),
  ]);
  const getToken = await tokenSource(tenant, allowed, options, target);
  const url = options.url ?? webSocketUrlOf(target, await target.connect());
  const over = new AbortController();
  let left = count;
  const counted = new Promise<void>((resolve) => {
    over.signal.addEventListener('abort', () => resolve());
  });
  const subscribed = subscribe({
    ...{ url, tenant, getToken, filters, qos, clientId, retained },
    protocolVersion: protocol,
    onMessage(message) {
      if (left <= 0) return;
      terminal.out(json ? messageJson(message) : messageLine(message));
      left -= 1;
      if (left === 0) over.abort();
    },
    onState: (line) => terminal.err(line),
  });
  try {
    await Promise.race([untilAskedToStop(terminal, over.signal), counted, subscribed.failed]);
  } finally {
    over.abort();
    await subscribed.end();
  }
}

/** The filter as permissions have it, without `$share/name/`. @throws UserError with its flaw */
function permittedFilter(filter: string): string {
  const parsed = parseFilter(filter);
  if (!isTopicError(parsed)) return parsed.filter;
  throw new UserError(parsed.code, `filter "${filter}": ${parsed.message}`, { exitCode: exitCodes.usage });
}

async function tokenSource(tenant: string, filters: readonly string[], options: SubOptions, target: Target) {
  const { fixedToken, mintedTokens } = await import('../subscribe/token-source.ts');
  if (options.token !== undefined) return fixedToken(options.token);
  return mintedTokens(tenant, await signingKeyOf(tenant, options, target), filters);
}

function oneOf(...numbers: readonly number[]): (value: string) => number {
  return (value) => {
    const number = numbers.find((one) => String(one) === value);
    if (number === undefined) throw new InvalidArgumentError(`one of ${numbers.join(', ')}.`);
    return number;
  };
}

const help = `
Examples:
  $ wisp sub demo '#'
  $ wisp sub demo 'sensors/+/temperature' 'alarms/#' --qos 1 --json
  $ wisp sub demo hello/world --count 1 --no-retained
  $ wisp sub acme '#' --stack Wisp --token "$TOKEN"`;
