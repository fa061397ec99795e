import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localCredentials } from '../../lib/aws/settings.ts';
import type { Emulator } from '../../lib/local/attached/emulator.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The CDK command failed; the message is one line of its output. */
export class CdkError extends Error {
  readonly code = 'cdk';
  override readonly name = 'CdkError';
  /** The whole output of the command. */
  readonly output: string;

  constructor(message: string, output: string) {
    super(message);
    this.output = output;
  }
}

/**
 * Runs the project's CDK command against an emulator, with credentials and a profile that are valid
 * nowhere else.
 *
 * @throws CdkError when its exit status is not 0.
 */
export async function cdk(emulator: Emulator, args: readonly string[]): Promise<void> {
  const bin = join(dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')), 'bin', 'cdk');
  const { AWS_PROFILE, AWS_DEFAULT_PROFILE, AWS_SESSION_TOKEN, ...environment } = process.env;
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...environment,
      AWS_ENDPOINT_URL: emulator.endpoint,
      AWS_REGION: emulator.region,
      AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      NO_COLOR: '1',
    },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new CdkError(`cdk ${args[0]}: ${mainLine(output) ?? `status ${status}`}`, output);
}

/** The most useful line: a settings error, a failed resource, or else the last line. */
function mainLine(output: string): string | undefined {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('npm warn'));
  const telling = [/^wisp: /, /(CREATE|UPDATE)_FAILED/, /error/i];
  return telling.map((pattern) => lines.find((line) => pattern.test(line))).find(Boolean) ?? lines.at(-1);
}
