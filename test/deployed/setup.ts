import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationClient, DeleteStackCommand } from '@aws-sdk/client-cloudformation';
import type { TestProject } from 'vitest/node';
import { resolveTarget } from '../../lib/cli/target.ts';
import { type Emulator, emulatorClientSettings, findEmulator } from '../../lib/local/attached/emulator.ts';
import { startAttached } from '../../lib/local/attached/index.ts';
import { createTenantWithKey } from '../../lib/local/operator/create-tenant-with-key.ts';

/**
 * With `WISP_URL` the suite runs against that deployment; `WISP_STACK` or `WISP_TENANTS_TABLE`
 * names its table of tenants. Otherwise the set-up deploys a stack to the emulator, updates it and
 * attaches a gateway.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Silences the SDK's warning that it ends support of Node 20 in 2027, which Wisp still supports.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const { WISP_URL, WISP_STACK, WISP_TENANTS_TABLE, WISP_ENDPOINT } = process.env;
  if (WISP_URL !== undefined) {
    const options = {
      ...(WISP_STACK === undefined ? {} : { stack: WISP_STACK }),
      ...(WISP_TENANTS_TABLE === undefined ? {} : { tenantsTable: WISP_TENANTS_TABLE }),
      ...(WISP_ENDPOINT === undefined ? {} : { endpoint: WISP_ENDPOINT }),
    };
    if (resolveTarget(options).isLocal)
      throw new Error('with WISP_URL, set WISP_STACK or WISP_TENANTS_TABLE');
    project.provide('deployed', { url: WISP_URL, options });
    return async () => {};
  }

  const emulator = await findEmulator();
  const { endpoint, region } = emulator;
  const stackName = `WispTest-${randomBytes(4).toString('hex')}`;
  const scratch = await mkdtemp(join(tmpdir(), 'wisp-deployed-'));
  const undo: (() => Promise<unknown>)[] = [
    () => rm(scratch, { recursive: true, force: true }),
    () => deleteStack(emulator, stackName),
  ];
  const teardown = async () => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const context = ['-c', `stackName=${stackName}`, '--outputs-file', join(scratch, 'outputs.json')];
    await npm(['run', '-s', 'deploy:local', '--', ...context]);
    const options = { stack: stackName, endpoint, region };
    const tenantBeforeUpdate = 'before-update';
    const { admin } = await resolveTarget(options).connect();
    await createTenantWithKey({ admin, name: tenantBeforeUpdate, keyDirectory: scratch, nowMs: Date.now() });
    // Rules are switched on by an update, as docs/upgrading.md asks; the inbound queue comes along.
    const changed = ['-c', 'alarmEmail=operator@example.com', '-c', 'rules=on', '-c', 'inbound=on'];
    await npm(['run', '-s', 'deploy:local', '--', ...context, ...changed]);

    const attached = await startAttached({
      emulator,
      stackName,
      port: 0,
      log: (line) => console.error(JSON.stringify(line)),
    });
    undo.push(() => attached.close());
    project.provide('deployed', {
      url: attached.gateway.url,
      options,
      deployment: { endpoint, region, stackName, tenantBeforeUpdate },
    });
    return teardown;
  } catch (error) {
    await teardown();
    throw error;
  }
}

async function npm(args: readonly string[]): Promise<void> {
  const child = spawn('npm', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`npm ${args.slice(0, 3).join(' ')} ended with status ${status}`);
}

async function deleteStack(emulator: Emulator, stackName: string): Promise<void> {
  const client = new CloudFormationClient(emulatorClientSettings(emulator));
  await client.send(new DeleteStackCommand({ StackName: stackName }));
  client.destroy();
}
