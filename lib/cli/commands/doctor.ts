import { writeFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { UserError } from '../../local/operator/user-error.ts';
import type { DoctorOptions } from '../doctor/index.ts';
import type { MeasurementResult } from '../doctor/measure/index.ts';
import { addTargetOptions, parseTtl } from '../options.ts';
import type { TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

interface DoctorFlags extends TargetOptions {
  readonly url?: string;
  readonly testAlarm?: true;
  readonly measure?: string;
  /** Seconds. */
  readonly measureWait: number;
}

/** `wisp doctor`: one line for each check, and exit code 1 if one fails. */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('doctor')
    .summary('check a deployment by using it')
    .description(
      'Connects clients of a tenant of its own, sends and receives messages, and deletes the tenant again. ' +
        'Prints one line for each check, with what to do where it fails.',
    )
    .option('--url <url>', 'WebSocket API, where the deployment is on an emulator')
    .option('--test-alarm', 'publish one message to the topic of the alarms')
    .option(
      '--measure <file>',
      'measure what AWS does not document, and write it to a file; not beside clients of others',
    )
    .addOption(
      new Option('--measure-wait <duration>', 'longest measurement: 11m and 122m show how connections end')
        .argParser(parseTtl)
        .default(60, '1m'),
    );
  addTargetOptions(command)
    .addHelpText('after', help)
    .action(async ({ measure, measureWait, ...flags }: DoctorFlags) => {
      const [{ diagnose }, { findingLine }] = await Promise.all([
        import('../doctor/index.ts'),
        import('../doctor/finding.ts'),
      ]);
      const measurements: Record<string, MeasurementResult> = {};
      const onMeasured = (name: string, result: MeasurementResult): void => {
        measurements[name] = result;
      };
      const options: DoctorOptions = {
        ...flags,
        measureWaitSeconds: measureWait,
        ...(measure === undefined ? {} : { onMeasured }),
      };
      const failed: string[] = [];
      for await (const finding of diagnose(options)) {
        terminal.out(findingLine(finding));
        if (finding.status === 'failed') failed.push(finding.check);
      }
      if (measure !== undefined) {
        await writeFile(measure, `${JSON.stringify(measurementsFile(flags, measurements), null, 2)}\n`);
        terminal.out(`Measurements are in ${measure}. They hold no ids, names or keys: send them to us.`);
      }
      if (failed.length > 0)
        throw new UserError('doctor-failed', `${failed.length} checks failed: ${failed.join(', ')}`);
    });
}

/** Says on what was measured, but not whose it is. */
function measurementsFile(
  { stack, endpoint, region }: TargetOptions,
  measurements: Readonly<Record<string, MeasurementResult>>,
): object {
  const on = stack === undefined ? 'local service' : endpoint === undefined ? 'AWS' : 'emulator';
  return {
    formatVersion: 1,
    wisp: packageJson.version,
    node: process.version,
    on,
    ...(on === 'AWS' ? { region: region ?? process.env.AWS_REGION ?? 'of the profile' } : {}),
    measuredAt: new Date().toISOString(),
    measurements,
  };
}

const help = `
Examples:
  $ wisp doctor
  $ wisp doctor --stack Wisp --region eu-central-1
  $ wisp doctor --stack Wisp --test-alarm
  $ wisp doctor --stack WispDev --measure facts.json --measure-wait 11m`;
