import { type Command, InvalidArgumentError, Option } from 'commander';
import { UserError } from '../../local/operator/user-error.ts';
import type { AdminClient } from '../admin-client.ts';
import { addTargetOptions, asSentence, tenantName } from '../options.ts';
import { adminApi, resolveTarget, type TargetOptions } from '../target.ts';
import type { Terminal } from '../terminal.ts';

interface JsonOption extends TargetOptions {
  readonly json?: true;
}

/** `wisp client`, `wisp subscribers`, `wisp retained`, `wisp publish`: what a tenant does at the moment. */
export function addOperatingCommands(program: Command, terminal: Terminal): void {
  const print = (value: unknown) =>
    terminal.out(JSON.stringify(value, null, 2).split('\n').map(shown).join('\n'));

  /** Prints a list as it comes, one line an item or one JSON document; says `none` where it is empty. */
  async function printAll<Item>(
    items: AsyncGenerator<Item>,
    json: boolean,
    line: (item: Item) => string,
    none: string,
  ): Promise<void> {
    const collected: Item[] = [];
    let isEmpty = true;
    for await (const item of items) {
      isEmpty = false;
      if (json) collected.push(item);
      else terminal.out(line(item));
    }
    if (json) print(collected);
    else if (isEmpty) terminal.err(none);
  }

  const client = program.command('client').summary('list, show and disconnect clients');
  client.description('Clients of a tenant that are connected or have a session.').addHelpText('after', help);

  tenantCommand(client, 'list', 'list clients')
    .description('Lists clients: online or offline, MQTT version, client id.')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption) => {
      const api = await apiOf(options);
      await printAll<{ clientId: string; online: boolean; protocolVersion: string }>(
        api.all(`/${tenant}/clients`, 'clients'),
        options.json === true,
        (item) =>
          `${item.online ? 'online ' : 'offline'}  ${item.protocolVersion.padEnd(5)}  ${shown(item.clientId)}`,
        'no client is connected or has a session',
      );
    });

  tenantCommand(client, 'show', 'show session, subscriptions and connection of a client')
    .argument('<client-id>', 'client identifier')
    .action(async (tenant: string, clientId: string, options: TargetOptions) =>
      print(await (await apiOf(options)).call('GET', `/${tenant}/client?${query({ clientId })}`)),
    );

  tenantCommand(client, 'disconnect', 'disconnect a client')
    .description('Ends the connection of a client with 0x98. Its session goes on, and it may come back.')
    .argument('<client-id>', 'client identifier')
    .action(async (tenant: string, clientId: string, options: TargetOptions) => {
      const path = `/${tenant}/client/disconnect?${query({ clientId })}`;
      const { disconnected } = (await (await apiOf(options)).call('POST', path)) as { disconnected: boolean };
      terminal.out(disconnected ? 'Disconnected.' : 'The client was not connected.');
    });

  tenantCommand(program, 'subscribers', 'who would get a message published to a topic')
    .argument('<topic>', 'topic name')
    .option('--json', 'as JSON')
    .action(async (tenant: string, topic: string, options: JsonOption) => {
      const api = await apiOf(options);
      await printAll<{ clientId: string; filter: string; qos: number; online: boolean }>(
        api.all(`/${tenant}/subscribers?${query({ topic })}`, 'subscribers'),
        options.json === true,
        (item) =>
          `${item.online ? 'online ' : 'offline'}  QoS ${item.qos}  ${shown(item.clientId)}  ${shown(item.filter)}`,
        'nobody subscribes to this topic',
      );
    });

  const retained = program.command('retained').summary('list, show and delete retained messages');
  retained.description('Retained messages of a tenant.').addHelpText('after', help);

  tenantCommand(retained, 'list', 'list topics that hold a retained message')
    .option('--prefix <text>', 'how the topics begin', '')
    .option('--json', 'as JSON')
    .action(async (tenant: string, options: JsonOption & { prefix: string }) => {
      const api = await apiOf(options);
      await printAll<{ topic: string; payloadBytes: number; qos: number }>(
        api.all(`/${tenant}/retained?${query({ prefix: options.prefix })}`, 'messages'),
        options.json === true,
        (item) => `QoS ${item.qos}  ${String(item.payloadBytes).padStart(6)} B  ${shown(item.topic)}`,
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

  tenantCommand(program, 'publish', 'publish a message in a tenant')
    .argument('<topic>', 'topic name')
    .argument('<message>', 'payload, as UTF-8')
    .addOption(new Option('--qos <qos>', '0, 1 or 2').argParser(qos).default(0))
    .option('--retain', 'keep it as the last message of the topic')
    .action(async (tenant: string, topic: string, payload: string, options: TargetOptions & Publish) => {
      const message = { topic, payload, qos: options.qos, retain: options.retain === true };
      const api = await apiOf(options);
      const { results } = (await api.call('POST', `/${tenant}/publish`, { messages: [message] })) as {
        results: { reasonCode: number; detail?: string }[];
      };
      const [result] = results;
      if (result?.detail !== undefined) throw new UserError('refused', result.detail);
      if (result?.reasonCode === 0x10) terminal.err('nobody subscribes to this topic');
    });
}

interface Publish {
  readonly qos: number;
  readonly retain?: true;
}

function tenantCommand(parent: Command, name: string, summary: string): Command {
  return addTargetOptions(parent.command(name))
    .summary(summary)
    .description(asSentence(summary))
    .argument('<tenant>', 'name of the tenant', tenantName)
    .addHelpText('after', help);
}

async function apiOf(options: TargetOptions): Promise<AdminClient> {
  const target = resolveTarget(options);
  return adminApi(target, await target.connect());
}

/** Spaces as %20: a signature counts bytes, and API Gateway does not take `+` for a space there. */
function query(parameters: Record<string, string>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
}

/** A text that clients choose, without what would move the cursor of a terminal. */
function shown(text: string): string {
  return text.replaceAll(
    /\p{Control}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function qos(value: string): number {
  if (!/^[012]$/.test(value)) throw new InvalidArgumentError('0, 1 or 2.');
  return Number(value);
}

const help = `
Examples:
  $ wisp client list demo
  $ wisp client disconnect demo sensor-7
  $ wisp subscribers demo sensors/7/temperature
  $ wisp retained list demo --prefix sensors/
  $ wisp publish demo commands/reboot now --qos 1`;
