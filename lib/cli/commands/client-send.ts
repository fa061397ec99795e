import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { reasonMessage } from '../../core/reasons.ts';
import { UserError } from '../../local/operator/user-error.ts';
import { parseQos } from '../options.ts';
import type { TargetOptions } from '../target.ts';
import { apiOf, query } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';

interface SendOptions extends TargetOptions {
  readonly topic: string;
  readonly message?: string;
  readonly file?: string;
  readonly qos: number;
  readonly confirm?: number;
  readonly id?: string;
}

/** Longest wait for the acknowledgement, in seconds (docs/openapi.json). */
const maxConfirmSeconds = 25;

/** `wisp client send`. @param command with the argument `tenant`. */
export function addClientSend(command: Command, terminal: Terminal): void {
  command
    .description(
      'Sends a message to one client, which needs no subscription. At QoS 1 and 2 it waits while the client is offline.',
    )
    .argument('<client-id>', 'client identifier')
    .requiredOption('--topic <topic>', 'topic name')
    .addOption(new Option('-m, --message <text>', 'payload, as UTF-8').conflicts('file'))
    .addOption(new Option('--file <path>', 'file that holds the payload'))
    .addOption(new Option('--qos <qos>', '0, 1 or 2').argParser(parseQos).default(1))
    .addOption(
      new Option('--confirm <seconds>', 'wait until the client has acknowledged it').argParser(
        confirmSeconds,
      ),
    )
    .addOption(new Option('--id <id>', 'name of the message: repeating the command sends nothing again'))
    .action(async (tenant: string, clientId: string, options: SendOptions) => {
      const { topic, message = '', file, confirm, id } = options;
      const payload =
        file === undefined
          ? { payload: message }
          : { payload: readFileSync(file).toString('base64'), encoding: 'base64' };
      const parameters = query({ clientId, ...(confirm === undefined ? {} : { confirm: String(confirm) }) });
      const answer = (await (
        await apiOf(options)
      ).call('POST', `/${tenant}/clients/message?${parameters}`, {
        topic,
        ...payload,
        qos: options.qos,
        ...(id === undefined ? {} : { id }),
      })) as Answer;
      if (answer.outcome === 'not-sent') throw unsuccessful('client-message-not-sent');
      if (answer.confirmed === false) throw unsuccessful('client-message-unconfirmed');
      terminal.out(sentence(answer));
    });
}

interface Answer {
  readonly outcome: 'sent' | 'not-sent' | 'queued';
  readonly repeated?: boolean;
  readonly confirmed?: boolean;
}

function unsuccessful(code: 'client-message-not-sent' | 'client-message-unconfirmed'): UserError {
  return new UserError(code, reasonMessage(code));
}

function sentence({ outcome, repeated, confirmed }: Answer): string {
  if (outcome === 'sent') return 'Sent.';
  if (confirmed === true) return 'The client has acknowledged the message.';
  return repeated === true ? 'An earlier request has queued it.' : 'Queued for the client.';
}

function confirmSeconds(value: string): number {
  const seconds = Number(value);
  if (!/^\d{1,2}$/.test(value) || seconds < 1 || seconds > maxConfirmSeconds)
    throw new InvalidArgumentError(`1 to ${maxConfirmSeconds} seconds.`);
  return seconds;
}
