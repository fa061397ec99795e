import type { Command } from 'commander';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, parsePort } from '../options.ts';
import type { ConsoleFlags } from '../run-console.ts';
import type { Terminal } from '../terminal.ts';
import { untilAskedToStop } from '../until-stopped.ts';

/** `wisp console`: a link to the console of the local service, or the console of a deployment. */
export function addConsoleCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('console')
    .summary('open the console in a browser')
    .description(
      'Opens the console: tenants, clients, topics, rules and usage in a browser. The local service serves it ' +
        'itself. For a deployment this machine serves it until Ctrl-C, and signs calls of the admin API with ' +
        'your AWS credentials. Each link opens it once, within ten minutes.',
    )
    .option('--port <port>', 'for a deployment: port of this machine', parsePort, 8084)
    .option('--no-open', 'only print the link');
  addTargetOptions(command)
    .addHelpText('after', ownExamples(help))
    .action(async (flags: ConsoleFlags) => {
      const { runConsole } = await import('../run-console.ts');
      const close = await runConsole(flags, terminal);
      if (close === undefined) return;
      await untilAskedToStop(terminal);
      await close();
    });
}

const help = `
Examples:
  $ wisp console
  $ wisp console --stack Wisp
  $ wisp console --stack Wisp --region eu-central-1 --port 9000 --no-open`;
