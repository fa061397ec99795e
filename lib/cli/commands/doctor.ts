import type { Command } from 'commander';
import { UserError } from '../../local/operator/user-error.ts';
import type { DoctorOptions } from '../doctor/index.ts';
import { addTargetOptions } from '../options.ts';
import type { Terminal } from '../terminal.ts';

/** `wisp doctor`: one line for each check, and exit code 1 if one fails. */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('doctor')
    .summary('check a deployment by using it')
    .description(
      'Connects a client of a tenant of its own, sends and receives messages, and deletes the tenant again. ' +
        'Prints one line for each check, with what to do where it fails.',
    )
    .option('--url <url>', 'WebSocket API, where the deployment is on an emulator');
  addTargetOptions(command)
    .addHelpText('after', help)
    .action(async (options: DoctorOptions) => {
      const [{ diagnose }, { findingLine }] = await Promise.all([
        import('../doctor/index.ts'),
        import('../doctor/finding.ts'),
      ]);
      const failed: string[] = [];
      for await (const finding of diagnose(options)) {
        terminal.out(findingLine(finding));
        if (finding.status === 'failed') failed.push(finding.check);
      }
      if (failed.length > 0)
        throw new UserError('doctor-failed', `${failed.length} checks failed: ${failed.join(', ')}`);
    });
}

const help = `
Examples:
  $ wisp doctor
  $ wisp doctor --stack Wisp --region eu-central-1`;
