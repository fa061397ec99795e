import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { TenantSummary } from '../../auth/index.ts';
import { commandName } from '../../local/operator/command-name.ts';
import { createTenantWithKey } from '../../local/operator/create-tenant-with-key.ts';
import { deleteSigningKey, keyPath } from '../../local/operator/key-file.ts';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, asSentence, collectValues, parseTenantName } from '../options.ts';
import { progressOf } from '../progress.ts';
import { parseQuotas } from '../quota-options.ts';
import {
  adminApi,
  type Connection,
  resolveTarget,
  type Target,
  type TargetOptions,
  unknownTenant,
} from '../target.ts';
import type { Terminal } from '../terminal.ts';
import { withoutSecrets } from '../without-secrets.ts';

/** `wisp tenant create|list|show|suspend|resume|delete` */
export function addTenantCommands(program: Command, terminal: Terminal): void {
  const tenant = program.command('tenant').summary('create, list, show, suspend and delete tenants');
  tenant
    .description('Tenants of the local service, or with --stack of a deployment.')
    .addHelpText('after', ownExamples(help));

  addTargetOptions(tenant.command('create'))
    .summary('create a tenant and its key pair')
    .description(
      'Creates a tenant with a new ES256 key pair. The public key goes into the Tenants table, ' +
        'the private key only into a file on this machine (mode 600).',
    )
    .argument('<name>', '1 to 63 characters of a-z, 0-9 and "-"', parseTenantName)
    .option(
      '--quota <name=number>',
      'a quota of the tenant (see "wisp quotas"); may be repeated',
      collectValues,
    )
    .addHelpText('after', ownExamples(help))
    .action(async (name: string, options: TargetOptions & { quota?: readonly string[] }) => {
      const quotas = parseQuotas(options.quota ?? []);
      const target = resolveTarget(options);
      const connection = await target.connect();
      const created = await createTenantWithKey({
        admin: connection.admin,
        name,
        ...(quotas === undefined ? {} : { quotas }),
        keyDirectory: target.keyDirectory,
        nowMs: Date.now(),
        reuseKey: target.isLocal,
      });
      terminal.out(`Tenant ${name} created in ${target.label}.`);
      terminal.out(`Private key${created.keyReused ? ' (existing)' : ''}: ${created.keyPath}`);
      for (const line of nextSteps(name, options, target, connection)) terminal.out(line);
    });

  addTargetOptions(tenant.command('list'))
    .summary('list tenants')
    .description('Lists tenants: name, status, time of creation.')
    .option('--json', 'as JSON')
    .addHelpText('after', ownExamples(help))
    .action(async (options: TargetOptions & { json?: true }) => {
      const target = resolveTarget(options);
      const { admin } = await target.connect();
      const tenants = await allTenants(admin);
      if (options.json) {
        terminal.out(JSON.stringify(tenants, null, 2));
        return;
      }
      for (const { name, status, createdAtMs } of tenants) {
        terminal.out(`${name.padEnd(24)}  ${status.padEnd(9)}  ${new Date(createdAtMs).toISOString()}`);
      }
      if (tenants.length === 0) {
        terminal.err(`no tenants in ${target.label}; create one with "${commandName()} tenant create NAME"`);
      }
    });

  addTargetOptions(tenant.command('show'))
    .summary('show a tenant')
    .description('Shows status, issuers and public keys of a tenant as JSON. Shared secrets are left out.')
    .argument('<name>', 'name of the tenant', parseTenantName)
    .addHelpText('after', ownExamples(help))
    .action(async (name: string, options: TargetOptions) => {
      const target = resolveTarget(options);
      const { admin } = await target.connect();
      const config = await admin.show(name);
      if (config === undefined) throw unknownTenant(name, target);
      terminal.out(JSON.stringify({ name, ...withoutSecrets(config) }, null, 2));
    });

  for (const [verb, summary, outcome] of [
    [
      'suspend',
      'refuse and disconnect all clients of a tenant',
      'suspended; its clients are being disconnected',
    ],
    ['resume', 'accept the clients of a tenant again', 'resumed'],
  ] as const)
    addTargetOptions(tenant.command(verb))
      .summary(summary)
      .description(asSentence(summary))
      .argument('<name>', 'name of the tenant', parseTenantName)
      .addHelpText('after', ownExamples(help))
      .action(async (name: string, options: TargetOptions) => {
        const target = resolveTarget(options);
        await orUnknown(
          name,
          target,
          adminApi(target, await target.connect()).call('POST', `/${name}/${verb}`),
        );
        terminal.out(`Tenant ${name} ${outcome}.`);
      });

  addTargetOptions(tenant.command('delete'))
    .summary('delete a tenant with all its data')
    .description(
      'Deletes a tenant with all its data: sessions, subscriptions, retained messages, usage. Its clients are ' +
        'disconnected. Deletes its private key file too, and waits until all data is deleted.',
    )
    .argument('<name>', 'name of the tenant', parseTenantName)
    .option('--yes', 'do not ask for confirmation (the local service never asks)')
    .addHelpText('after', ownExamples(help))
    .action(async (name: string, options: TargetOptions & { yes?: true }) => {
      const target = resolveTarget(options);
      const connection = await target.connect();
      const api = adminApi(target, connection);
      if ((await connection.admin.show(name)) === undefined) throw unknownTenant(name, target);
      if (!target.isLocal && options.yes !== true)
        await confirm(`Delete tenant ${name} and all its data in ${target.label}?`);
      await orUnknown(name, target, api.call('DELETE', `/${name}`));
      await deleteSigningKey(keyPath(target.keyDirectory, name));
      const tell = progressOf(terminal);
      const waiting = () =>
        tell(
          (seconds) => `Tenant ${name} refuses clients; its data is still being deleted after ${seconds} s …`,
        );
      if (await isGone(connection.admin, name, waiting))
        terminal.out(`Tenant ${name} deleted from ${target.label}.`);
      else terminal.err(`Tenant ${name} refuses clients; its data is still being deleted.`);
    });
}

const maxErasureMs = 120_000;
const checkEveryMs = 500;

async function isGone(admin: Connection['admin'], name: string, waiting: () => void): Promise<boolean> {
  const startMs = performance.now();
  for (let nowMs = startMs; nowMs < startMs + maxErasureMs; nowMs = performance.now()) {
    if ((await admin.show(name)) === undefined) return true;
    waiting();
    await sleep(checkEveryMs);
  }
  return false;
}

async function orUnknown<Value>(name: string, target: Target, answer: Promise<Value>): Promise<Value> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof UserError && error.code === 'tenant-unknown') throw unknownTenant(name, target);
    throw error;
  }
}

async function allTenants(admin: Connection['admin']): Promise<TenantSummary[]> {
  const found: TenantSummary[] = [];
  for (let more = true; more; ) {
    const page = await admin.list(found.at(-1)?.name, 100);
    found.push(...page.tenants);
    more = page.more;
  }
  return found;
}

function nextSteps(name: string, options: TargetOptions, target: Target, connection: Connection): string[] {
  const wisp = commandName();
  const flags = [
    ...(options.stack === undefined ? [] : ['--stack', options.stack]),
    ...(options.stack !== undefined || options.tenantsTable === undefined
      ? []
      : ['--tenants-table', options.tenantsTable]),
    ...(options.endpoint === undefined ? [] : ['--endpoint', options.endpoint]),
  ];
  const token = [wisp, 'token', name, ...flags].join(' ');
  const lines = ['', 'Next:', `  ${token} --ttl 1h`];
  if (connection.mqttPort !== undefined) {
    const address = `-p ${connection.mqttPort} -u ${name} -P "$(${token})"`;
    lines.push(`  mosquitto_sub ${address} -t '#' -v`, `  mosquitto_pub ${address} -t hello -m world`);
  }
  if (connection.webSocketUrl !== undefined) {
    lines.push(
      `  MQTT.js with wisp-mqtt-client: ${connection.webSocketUrl}, user name ${name}, password the token`,
    );
  }
  if (!target.isLocal) lines.push('Keep the private key safe: it can mint tokens for the tenant.');
  return lines;
}

async function confirm(question: string): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UserError('not-confirmed', 'cannot ask without a terminal; use --yes to delete', {
      exitCode: exitCodes.usage,
    });
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new UserError('not-confirmed', 'nothing was deleted');
}

const help = `
Examples:
  $ wisp tenant create acme
  $ wisp tenant create acme --quota connections=100 --quota shapes=16
  $ wisp tenant list
  $ wisp tenant show acme --stack Wisp --region eu-central-1
  $ wisp tenant suspend acme
  $ wisp tenant resume acme
  $ wisp tenant delete acme`;
