import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { UserError } from '../../local/operator/user-error.ts';

/** The flags of `wisp rule add` that say which messages a rule selects and what it sends. */
export interface DefinitionFlags {
  readonly filter: string;
  readonly where?: string;
  readonly send: string;
  readonly retryHours?: number;
}

export function addDefinitionFlags(command: Command): Command {
  return command
    .requiredOption('--filter <filter>', 'topic filter of the messages')
    .option('--where <pattern>', 'only messages that this event pattern selects: JSON, or @FILE')
    .option('--send <form>', '"envelope", "payload", a template, or @FILE with a template', 'envelope')
    .addOption(
      new Option(
        '--retry-hours <hours>',
        'hours until a message is given up, 1 to 96 (default: 24)',
      ).argParser(Number),
    );
}

/** The members of a rule beside its target, as the admin API takes them; the API checks them. */
export async function definitionFrom(flags: DefinitionFlags): Promise<Readonly<Record<string, unknown>>> {
  const { filter, where, send, retryHours } = flags;
  return {
    filter,
    ...(where === undefined
      ? {}
      : { where: where.startsWith('@') ? compacted(await textOrFile(where)) : where }),
    send: await sendFrom(send),
    ...(retryHours === undefined ? {} : { retryHours }),
  };
}

async function sendFrom(given: string): Promise<object> {
  if (given === 'envelope' || given === 'payload') return { form: given };
  return { form: 'template', template: await textOrFile(given) };
}

/** White space of a file would count against the size of the pattern. */
function compacted(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

/** A text, or that of the file that follows `@`, without the line end that editors add. */
async function textOrFile(given: string): Promise<string> {
  if (!given.startsWith('@')) return given;
  const path = given.slice(1);
  try {
    return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
  } catch (cause) {
    throw new UserError('file-unreadable', `cannot read ${path}`, { cause });
  }
}
