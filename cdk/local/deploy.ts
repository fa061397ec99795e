import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { emulatorAccount, findEmulator } from '../../lib/local/attached/emulator.ts';
import { explain } from '../../lib/local/operator/explain.ts';
import { adaptAssembly } from './assembly.ts';
import { CdkError, cdk } from './cdk.ts';
import { settle } from './settle.ts';

const usage = `usage: npm run deploy:local -- [-c NAME=VALUE …] [--outputs-file FILE] [--verbose]
Deploys the CDK app to the emulator at AWS_ENDPOINT_URL (default http://127.0.0.1:4566).
  -c NAME=VALUE        a setting, as for "cdk deploy" (default stage=dev)
  --outputs-file FILE  where the stack's outputs go (default .wisp/deployed.json)
  --verbose            what the CDK command writes, where it fails`;

const startedAtMs = Date.now();

function say(line: string): void {
  console.log(`[${((Date.now() - startedAtMs) / 1000).toFixed(1).padStart(5)} s] ${line}`);
}

async function deploy(context: readonly string[], outputsFile: string): Promise<void> {
  const emulator = await findEmulator();
  say(`${emulator.kind} at ${emulator.endpoint}, region ${emulator.region}`);
  const directory = await mkdtemp(join(tmpdir(), 'wisp-assembly-'));
  try {
    // Later commands use this assembly. With the app they would synthesise it again, without the
    // edits.
    await cdk(emulator, [
      'synth',
      '--quiet',
      '--output',
      directory,
      ...context.flatMap((one) => ['-c', one]),
    ]);
    const stack = await adaptAssembly(directory, emulator.kind);
    say(`synthesised stack ${stack.stackName}`);
    for (const note of stack.notes) say(`  ${note}`);
    await cdk(emulator, ['bootstrap', '--app', directory, `aws://${emulatorAccount}/${emulator.region}`]);
    say('bootstrapped');
    await mkdir(dirname(outputsFile), { recursive: true });
    // Emulators do not find change sets by the name that the command uses; only direct deployments
    // update.
    await cdk(emulator, [
      'deploy',
      ...['--app', directory, '--all', '--method', 'direct'],
      ...['--require-approval', 'never', '--outputs-file', outputsFile],
    ]);
    say(`deployed; outputs are in ${outputsFile}`);
    for (const line of await settle(emulator, stack)) say(`  ${line}`);
    say(`done: "npm run start:attached -- --stack ${stack.stackName}" lets clients in`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      context: { type: 'string', short: 'c', multiple: true, default: [] },
      'outputs-file': { type: 'string', default: '.wisp/deployed.json' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return console.log(usage);
  const staged = values.context.some((one) => one.startsWith('stage='));
  await deploy(
    staged ? values.context : ['stage=dev', ...values.context],
    resolve(values['outputs-file']),
  ).catch((error: unknown) => {
    if (values.verbose && error instanceof CdkError) console.error(error.output);
    throw error;
  });
}

// Hides the SDK's warning that support of Node 20 ends in 2027.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
await main().catch((error: unknown) => {
  console.error(`deploy:local: ${explain(error).message}`);
  process.exitCode = 1;
});
