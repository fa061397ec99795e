import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { collectValues, parseQos } from '../options.ts';

/** The flags of `wisp rule test`: a message. */
export interface MessageFlags {
  readonly topic: string;
  readonly payload?: string;
  readonly payloadFile?: string;
  readonly qos?: number;
  readonly retain?: true;
  readonly clientId?: string;
  readonly contentType?: string;
  readonly userProperty?: readonly string[];
}

export function addMessageFlags(command: Command): Command {
  return command
    .requiredOption('--topic <topic>', 'topic of the message')
    .option('--payload <text>', 'its payload, as UTF-8 (default: empty)')
    .option('--payload-file <file>', 'its payload, from a file')
    .addOption(new Option('--qos <qos>', 'its QoS (default: 0)').argParser(parseQos))
    .option('--retain', 'it is retained')
    .option('--client-id <id>', 'client that publishes it')
    .option('--content-type <type>', 'its content type')
    .option('--user-property <name:value>', 'a user property; may be repeated', collectValues);
}

/** The message as the admin API takes it. */
export async function messageFrom(flags: MessageFlags): Promise<object> {
  const { topic, payload, payloadFile, qos, retain, clientId, contentType, userProperty } = flags;
  if (payload !== undefined && payloadFile !== undefined)
    throw usage('--payload and --payload-file exclude each other');
  return {
    topic,
    ...(payload === undefined ? {} : { payload }),
    ...(payloadFile === undefined ? {} : await payloadOf(payloadFile)),
    ...(qos === undefined ? {} : { qos }),
    ...(retain === undefined ? {} : { retain }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userProperty === undefined ? {} : { userProperties: userProperty.map(pairFrom) }),
  };
}

async function payloadOf(path: string): Promise<object> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new UserError('file-unreadable', `cannot read ${path}`, { cause });
  }
  return isUtf8(bytes)
    ? { payload: bytes.toString('utf8') }
    : { payload: bytes.toString('base64'), encoding: 'base64' };
}

function pairFrom(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon === -1) throw usage('--user-property takes NAME:VALUE');
  return [text.slice(0, colon), text.slice(colon + 1)];
}

/** What a rule would do with a message: an answer of the admin API (docs/openapi.json). */
export type Rehearsal =
  | { readonly selected: false; readonly because: string }
  | { readonly selected: true; readonly failure: { readonly code: string; readonly message: string } }
  | {
      readonly selected: true;
      readonly would: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
      readonly encoding: 'utf8' | 'base64';
    };

export function rehearsalLines(rehearsal: Rehearsal): string[] {
  if (!rehearsal.selected) return [`not selected: ${rehearsal.because}`];
  if ('failure' in rehearsal)
    return [`selected, but it would fail with ${rehearsal.failure.code}: ${rehearsal.failure.message}`];
  const { would, headers, body, encoding } = rehearsal;
  return [
    `selected: ${would}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(encoding === 'base64' ? ['(the body is not UTF-8; in base64)'] : []),
    '',
    ...body.split('\n'),
  ];
}

function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
