import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import type { FetchText } from '../auth/index.ts';
import { explain } from '../local/operator/explain.ts';
import { exitCodes } from '../local/operator/user-error.ts';
import { addAccountCommands } from './commands/account.ts';
import { addBanCommands } from './commands/ban.ts';
import { addBridgeCommand } from './commands/bridge.ts';
import { addConsoleCommand } from './commands/console.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEdgeCommand } from './commands/edge.ts';
import { addExplainCommand } from './commands/explain.ts';
import { addIssuerCommands } from './commands/issuer.ts';
import { addMetricsCommand } from './commands/metrics.ts';
import { addOperatingCommands } from './commands/operate.ts';
import { addQuotaCommand } from './commands/quotas.ts';
import { addRuleCommands } from './commands/rule.ts';
import { addShapesCommand } from './commands/shapes.ts';
import { addStartCommand } from './commands/start.ts';
import { addSubscribeCommand } from './commands/sub.ts';
import { addTailCommand } from './commands/tail.ts';
import { addTenantCommands } from './commands/tenant.ts';
import { addTokenCommands } from './commands/token.ts';
import { addTraceCommand } from './commands/trace.ts';
import { guarded, processTerminal, type Terminal } from './terminal.ts';

const help = `
Examples:
  $ wisp start
  $ wisp tenant create acme
  $ wisp token acme --publish 'sensors/#' --ttl 1h
  $ wisp sub acme 'sensors/#'
  $ wisp publish acme sensors/7 hello

Commands talk to this user's local service, or with --stack to a deployment.
Environment: WISP_HOME (default ~/.wisp), WISP_STACK, WISP_TENANTS_TABLE, WISP_ENDPOINT, and the AWS SDK's variables.`;

/** What tests replace. */
export interface Replacements {
  readonly fetchKeys?: FetchText;
}

/**
 * Runs `wisp` with the arguments that follow its name. Never throws.
 *
 * @returns the exit code: 0, 1 if the command failed, 2 if its arguments are wrong.
 */
export async function run(
  args: readonly string[],
  output: Terminal = processTerminal,
  { fetchKeys }: Replacements = {},
): Promise<number> {
  const terminal = guarded(output);
  const program = new Command('wisp')
    .description('MQTT-as-a-service that scales to zero: run it here, manage tenants, mint tokens.')
    .version(packageJson.version)
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'wisp: ')),
    })
    .addHelpText('after', help);
  addStartCommand(program, terminal);
  addConsoleCommand(program, terminal);
  addBridgeCommand(program, terminal);
  addEdgeCommand(program, terminal);
  addTenantCommands(program, terminal);
  addIssuerCommands(program, terminal, fetchKeys);
  addTokenCommands(program, terminal);
  addOperatingCommands(program, terminal);
  addExplainCommand(program, terminal);
  addBanCommands(program, terminal);
  addSubscribeCommand(program, terminal);
  addTailCommand(program, terminal);
  addTraceCommand(program, terminal);
  addRuleCommands(program, terminal);
  addShapesCommand(program, terminal);
  addAccountCommands(program, terminal);
  addMetricsCommand(program, terminal);
  addQuotaCommand(program, terminal);
  addDoctorCommand(program, terminal);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander has already printed it.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const { message, exitCode } = explain(error);
    terminal.err(`wisp: ${message}`);
    if (process.env.WISP_DEBUG !== undefined && error instanceof Error) terminal.err(String(error.stack));
    return exitCode;
  }
}
