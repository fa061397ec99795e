import { type Command, Option } from 'commander';
import { escapeControls } from '../../core/escape-controls.ts';
import { UserError } from '../../local/operator/user-error.ts';
import { knownReason } from '../admin-client.ts';
import { ownExamples } from '../examples.ts';
import { addTargetOptions, asSentence, parseQos, parseTenantName } from '../options.ts';
import { progressOf } from '../progress.ts';
import type { TargetOptions } from '../target.ts';
import { apiOf, query } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { addClientSend } from './client-send.ts';

export interface JsonOption extends TargetOptions {
  readonly json?: true;
}

/** `wisp client`, `wisp subscribers`, `wisp retained` and `wisp publish`. */
export function addOperatingCommands(program: Command, terminal: Terminal): void {
  const print = (value: unknown) => terminal.out(JSON.stringify(value, null, 2));

  const client = program
    .command('client')
    .summary('list, show, disconnect and release clients, and send them messages');
  client
    .description('Clients of a tenant that are connected or have a session.')
    .addHelpText('after', ownExamples(help));

  tenantCommand(client, 'list', 'list clients')
    .description('Lists clients: online or offline, MQTT version, client id.')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption) => {
      const api = await apiOf(options);
      await printAll<{
        clientId: string;
        online: boolean;
        protocolVersion: string;
        connectsThisHour: number;
      }>(
        terminal,
        api.all(`/${tenant}/clients`, 'clients'),
        options.json === true,
        (item) =>
          `${item.online ? 'online ' : 'offline'}  ${item.protocolVersion.padEnd(5)}  ${escapeControls(item.clientId)}${flapping(item)}`,
        'no client is connected or has a session',
      );
    });

  tenantCommand(client, 'show', 'show session, subscriptions and connection of a client')
    .argument('<client-id>', 'client identifier')
    .action(async (tenant: string, clientId: string, options: TargetOptions) =>
      print(await (await apiOf(options)).call('GET', `/${tenant}/client?${query({ clientId })}`)),
    );

  tenantCommand(client, 'disconnect', 'disconnect a client')
    .description('Disconnects a client with reason code 0x98. Its session stays, and it may reconnect.')
    .argument('<client-id>', 'client identifier')
    .action(async (tenant: string, clientId: string, options: TargetOptions) => {
      const path = `/${tenant}/client/disconnect?${query({ clientId })}`;
      const { disconnected } = (await (await apiOf(options)).call('POST', path)) as { disconnected: boolean };
      terminal.out(disconnected ? 'Disconnected.' : 'The client was not connected.');
    });

  tenantCommand(client, 'release', 'end the session of a client')
    .description('Ends connection and session of a client. Its client id then belongs to no subject.')
    .argument('<client-id>', 'client identifier')
    .action(async (tenant: string, clientId: string, options: TargetOptions) => {
      await (await apiOf(options)).call('POST', `/${tenant}/client/release?${query({ clientId })}`);
      terminal.out('Released.');
    });

  addClientSend(tenantCommand(client, 'send', 'send a message to one client'), terminal);

  tenantCommand(program, 'subscribers', 'list the clients that a message to a topic would reach')
    .argument('<topic>', 'topic name')
    .option('--json', 'as JSON')
    .action(async (tenant: string, topic: string, options: JsonOption) => {
      const api = await apiOf(options);
      await printAll<{ clientId: string; filter: string; qos: number; online: boolean }>(
        terminal,
        api.all(`/${tenant}/subscribers?${query({ topic })}`, 'subscribers'),
        options.json === true,
        (item) =>
          `${item.online ? 'online ' : 'offline'}  QoS ${item.qos}  ${escapeControls(item.clientId)}  ${escapeControls(item.filter)}`,
        'this topic has no subscribers',
      );
    });

  const retained = program.command('retained').summary('list, show and delete retained messages');
  retained.description('Retained messages of a tenant.').addHelpText('after', ownExamples(help));

  tenantCommand(retained, 'list', 'list topics that hold a retained message')
    .option('--prefix <text>', 'only topics that begin with this text', '')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption & { prefix: string }) => {
      const api = await apiOf(options);
      await printAll<{ topic: string; payloadBytes: number; qos: number }>(
        terminal,
        api.all(`/${tenant}/retained?${query({ prefix: options.prefix })}`, 'messages'),
        options.json === true,
        (item) =>
          `QoS ${item.qos}  ${String(item.payloadBytes).padStart(6)} B  ${escapeControls(item.topic)}`,
        'no retained messages',
      );
    });

  for (const [verb, method, summary] of [
    ['show', 'GET', 'show a retained message'],
    ['delete', 'DELETE', 'delete a retained message'],
  ] as const)
    tenantCommand(retained, verb, summary)
      .argument('<topic>', 'topic name')
      .action(async (tenant: string, topic: string, options: TargetOptions) => {
        const answer = await (await apiOf(options)).call(
          method,
          `/${tenant}/retained/message?${query({ topic })}`,
        );
        if (answer !== undefined) print(answer);
      });

  tenantCommand(program, 'publish', 'publish a message')
    .alias('pub')
    .argument('<topic>', 'topic name')
    .argument('<message>', 'payload, as UTF-8')
    .addOption(new Option('--qos <qos>', '0, 1 or 2').argParser(parseQos).default(0))
    .option('--retain', 'retain it as the last message of the topic')
    .action(async (tenant: string, topic: string, payload: string, options: TargetOptions & Publish) => {
      const message = { topic, payload, qos: options.qos, retain: options.retain === true };
      const api = await apiOf(options);
      const { results } = (await api.call('POST', `/${tenant}/publish`, { messages: [message] })) as {
        results: { reasonCode: number; code?: string; detail?: string }[];
      };
      const [result] = results;
      if (result?.detail !== undefined) throw new UserError(knownReason(result.code), result.detail);
      if (result?.reasonCode === 0x10) terminal.err('this topic has no subscribers');
    });
}

/** Connects in this hour that are more than a client makes that stays connected. */
const unusualConnects = 10;

function flapping({ connectsThisHour }: { readonly connectsThisHour: number }): string {
  return connectsThisHour < unusualConnects ? '' : `  ${connectsThisHour} connects in this hour`;
}

interface Publish {
  readonly qos: number;
  readonly retain?: true;
}

/** Prints each item on a line as it arrives, or all as one JSON document; `none` without items. */
export async function printAll<Item>(
  terminal: Terminal,
  items: AsyncGenerator<Item>,
  json: boolean,
  line: (item: Item) => string,
  none: string,
): Promise<void> {
  const collected: Item[] = [];
  const tell = progressOf(terminal);
  let isEmpty = true;
  for await (const item of items) {
    isEmpty = false;
    if (json) {
      collected.push(item);
      tell(() => `${collected.length} items so far …`);
    } else terminal.out(line(item));
  }
  if (json) terminal.out(JSON.stringify(collected, null, 2));
  else if (isEmpty) terminal.err(none);
}

/** @param examples the end of its `--help`, which may be shared with its family */
export function tenantCommand(parent: Command, name: string, summary: string, examples = help): Command {
  return addTargetOptions(parent.command(name))
    .summary(summary)
    .description(asSentence(summary))
    .argument('<tenant>', 'name of the tenant', parseTenantName)
    .addHelpText('after', ownExamples(examples));
}

const help = `
Examples:
  $ wisp client list demo
  $ wisp client disconnect demo sensor-7
  $ wisp client send demo sensor-7 --topic commands/reboot -m now --qos 1 --confirm 10
  $ wisp subscribers demo sensors/7/temperature
  $ wisp retained list demo --prefix sensors/
  $ wisp publish demo commands/reboot now --qos 1`;
