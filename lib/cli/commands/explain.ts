import { type Command, Option } from 'commander';
import { escapeControls } from '../../core/escape-controls.ts';
import { parseQos } from '../options.ts';
import { apiOf, query } from '../tenant-api.ts';
import type { Terminal } from '../terminal.ts';
import { type JsonOption, tenantCommand } from './operate.ts';

interface ExplainOptions extends JsonOption {
  readonly client?: string;
  readonly publisher?: string;
  readonly qos: number;
  readonly bytes?: number;
}

interface Finding {
  readonly code: string;
  readonly text: string;
}

interface Recipient {
  readonly clientId: string;
  readonly filter: string;
  readonly qos: number;
  readonly online: boolean;
  readonly outcome: string;
  readonly findings: readonly Finding[];
  readonly mayPublish?: boolean;
  readonly queue?: { readonly messages: number; readonly bound: number; readonly mode: string };
}

interface Explanation {
  readonly topic: string;
  readonly qos: number;
  readonly findings: readonly Finding[];
  readonly recipients?: readonly Recipient[];
  readonly next?: string;
  readonly client?: {
    readonly clientId: string;
    readonly receives: 'yes' | 'later' | 'perhaps' | 'no';
    readonly findings: readonly Finding[];
    readonly subscriptions: readonly Recipient[];
    readonly nearest: readonly { readonly filter: string; readonly level: number; readonly text: string }[];
  };
  readonly retained?: { readonly qos: number; readonly payloadBytes: number };
  readonly rules: readonly {
    readonly name: string;
    readonly filter: string;
    readonly status: string;
    readonly hasPattern: boolean;
  }[];
  readonly refusals: Readonly<Record<string, number>>;
}

/** `wisp explain` */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  tenantCommand(program, 'explain', 'explain who gets a message, and why a client does not', help)
    .argument('<topic>', 'topic name')
    .option('--client <id>', 'look at this client alone')
    .option('--publisher <id>', 'client that publishes: checks its right and No Local')
    .addOption(new Option('--qos <qos>', '0, 1 or 2').argParser(parseQos).default(1))
    .option('--bytes <count>', 'bytes of the payload (default: 0)', Number)
    .option('--json', 'as JSON')
    .action(async (tenant: string, topic: string, options: ExplainOptions) => {
      const api = await apiOf(options);
      const { client: clientId, publisher, qos, bytes } = options;
      const asked = {
        topic,
        qos: String(qos),
        ...(clientId === undefined ? {} : { clientId }),
        ...(publisher === undefined ? {} : { publisher }),
        ...(bytes === undefined ? {} : { bytes: String(bytes) }),
      };
      const ask = async (page?: string): Promise<Explanation> => {
        const parameters = query(page === undefined ? asked : { ...asked, page });
        return (await api.call('GET', `/${tenant}/explain?${parameters}`)) as Explanation;
      };
      const first = await ask();
      const recipients = [...(first.recipients ?? [])];
      for (let { next } = first; next !== undefined; ) {
        const page = await ask(next);
        recipients.push(...(page.recipients ?? []));
        ({ next } = page);
      }
      const { next: _, ...all } = first;
      const whole: Explanation = first.recipients === undefined ? all : { ...all, recipients };
      if (options.json) terminal.out(JSON.stringify(whole, null, 2));
      else for (const line of linesOf(whole)) terminal.out(escapeControls(line));
    });
}

const verdicts = {
  yes: 'gets the message at once',
  later: 'gets the message later',
  perhaps: 'may get the message',
  no: 'does not get the message',
};

/** Findings with which no message is published. */
const forbidding: ReadonlySet<string> = new Set([
  'tenant-suspended',
  'publish-right-missing',
  'publish-dollar',
]);

function linesOf({ findings, recipients, client, retained, rules, refusals }: Explanation): string[] {
  return [
    ...findings.map(({ text }) => text),
    ...(client === undefined
      ? []
      : clientLines(
          client,
          findings.some(({ code }) => forbidding.has(code)),
        )),
    ...(recipients ?? []).flatMap(recipientLines),
    ...(recipients?.length === 0 ? ['No client has a subscription that matches this topic.'] : []),
    '',
    retained === undefined
      ? 'nothing is retained for this topic'
      : `retained: ${retained.payloadBytes} bytes at QoS ${retained.qos}, for every new subscription`,
    ...rules.map(
      ({ name, filter, status, hasPattern }) =>
        `rule ${name} (${filter}): ${hasPattern ? 'if its pattern selects the message' : 'takes the message'}` +
        (status === 'paused' ? '; it is paused, so its records wait' : ''),
    ),
    ...Object.entries(refusals).map(([code, count]) => `refused in this hour: ${code}: ${count}`),
  ];
}

function clientLines(
  { clientId, receives, findings, subscriptions, nearest }: NonNullable<Explanation['client']>,
  isForbidden: boolean,
) {
  return [
    `${isForbidden ? 'If it were published: ' : ''}${clientId} ${verdicts[receives]}.`,
    ...findings.map(({ text }) => `  ${text}`),
    ...nearest.map(({ filter, level, text }) => `  near: ${filter}: at level ${level} ${text}`),
    ...subscriptions.flatMap(recipientLines),
  ];
}

function recipientLines({
  clientId,
  filter,
  qos,
  online,
  outcome,
  findings,
  mayPublish,
  queue,
}: Recipient): string[] {
  const state = online ? 'online ' : 'offline';
  const waiting = queue === undefined ? '' : `  queue ${queue.messages} of ${queue.bound}`;
  const right = mayPublish === undefined ? '' : mayPublish ? '  may publish' : '  may not publish';
  return [
    `${outcome.padEnd(7)}  ${state}  QoS ${qos}  ${clientId}  ${filter}${waiting}${right}`,
    ...findings.map(({ text }) => `           ${text}`),
  ];
}

const help = `
Examples:
  $ wisp explain demo sensors/7/temperature
  $ wisp explain demo sensors/7/temperature --client dashboard --publisher sensor-7
  $ wisp explain demo commands/reboot --client sensor-7 --qos 0 --json`;
