import type { RuleTarget } from '../api/rule-types.ts';
import { namedLines } from '../named-lines.ts';

/** Texts of the fields of a target by name. Switches are `true` or `false`. */
export type TargetTexts = Readonly<Record<string, string>>;

/** A field of a kind of target. */
export interface TargetField {
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
  readonly isRequired?: boolean;
  /** More than 1: several lines. */
  readonly rows?: number;
  readonly options?: readonly (readonly [value: string, text: string])[];
  readonly isSwitch?: boolean;
  /** What stands in the field at first. Default: nothing. */
  readonly initial?: string;
  /** Whether the field is needed with the others as they are. Default: always. */
  readonly isNeeded?: (texts: TargetTexts) => boolean;
  /** Where the service says that it is, when its value is wrong. Default: `target.NAME`. */
  readonly member?: string;
  /** The value for the service. Default: the text. */
  readonly read?: (text: string) => unknown;
  /** The text of a value of the service. Default: the value. */
  readonly write?: (value: unknown) => string;
}

interface TargetKind {
  readonly kind: string;
  readonly title: string;
  readonly fields: readonly TargetField[];
}

const role: TargetField = {
  name: 'roleArn',
  label: 'Role to assume',
  hint: 'Only for another account: arn:aws:iam::…:role/…',
};

function arn(name: string, label: string, service: string): TargetField {
  return { name, label, isRequired: true, hint: `arn:aws:${service}:REGION:ACCOUNT:…` };
}

const isTrue = (text: string) => text === 'true';
const usesScram = ({ method = 'none' }: TargetTexts) => method.startsWith('scram-');

/** All kinds, in the order in which they are offered. */
export const targetKinds: readonly TargetKind[] = [
  {
    kind: 'webhook',
    title: 'Webhook',
    fields: [
      { name: 'url', label: 'URL', isRequired: true, hint: 'https; on this machine http too' },
      {
        name: 'headers',
        label: 'Headers',
        rows: 2,
        hint: 'name: value, one on a line; no credentials',
        read: (text) => Object.fromEntries(namedLines(text)),
        write: (headers) =>
          Object.entries(headers as Readonly<Record<string, string>>)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n'),
      },
    ],
  },
  {
    kind: 'republish',
    title: 'Another topic',
    fields: [
      { name: 'topic', label: 'Topic', isRequired: true, hint: 'May hold variables: alerts/<$.levels[1]>' },
      {
        name: 'qos',
        label: 'QoS',
        initial: '0',
        options: [
          ['0', '0'],
          ['1', '1'],
          ['2', '2'],
        ],
        read: Number,
      },
      { name: 'retain', label: 'Retain', isSwitch: true, initial: 'false', read: isTrue },
    ],
  },
  {
    kind: 'sqs',
    title: 'SQS queue',
    fields: [
      arn('queueArn', 'Queue', 'sqs'),
      { name: 'messageGroupId', label: 'Message group', hint: 'Of a FIFO queue; default: the topic' },
      role,
    ],
  },
  { kind: 'sns', title: 'SNS topic', fields: [arn('topicArn', 'Topic', 'sns'), role] },
  {
    kind: 'lambda',
    title: 'Lambda function',
    fields: [
      {
        ...arn('functionArn', 'Function', 'lambda'),
        hint: 'arn:aws:lambda:…; on this machine the path of a module',
      },
      role,
    ],
  },
  {
    kind: 'eventbridge',
    title: 'EventBridge bus',
    fields: [
      arn('busArn', 'Event bus', 'events'),
      { name: 'source', label: 'Source', hint: 'Default: wisp.rules' },
      { name: 'detailType', label: 'Detail type', hint: 'Default: Wisp Message' },
      role,
    ],
  },
  { kind: 'kinesis', title: 'Kinesis stream', fields: [arn('streamArn', 'Stream', 'kinesis'), role] },
  { kind: 'firehose', title: 'Firehose stream', fields: [arn('streamArn', 'Stream', 'firehose'), role] },
  { kind: 'dynamodb', title: 'DynamoDB table', fields: [arn('tableArn', 'Table', 'dynamodb'), role] },
  {
    kind: 'kafka',
    title: 'Kafka',
    fields: [
      {
        name: 'brokers',
        label: 'Brokers',
        isRequired: true,
        rows: 2,
        hint: 'host:port, one on a line',
        read: linesOf,
        write: (brokers) => (brokers as readonly string[]).join('\n'),
      },
      { name: 'topic', label: 'Kafka topic', isRequired: true },
      { name: 'key', label: 'Key', hint: 'Default: the MQTT topic' },
      { name: 'tls', label: 'TLS', isSwitch: true, initial: 'true', read: isTrue },
      {
        name: 'method',
        label: 'Authentication',
        initial: 'none',
        member: 'target.auth.method',
        options: [
          ['none', 'none'],
          ['scram-sha-256', 'SCRAM-SHA-256'],
          ['scram-sha-512', 'SCRAM-SHA-512'],
          ['iam', 'IAM of AWS'],
        ],
      },
      {
        name: 'username',
        label: 'User',
        isRequired: true,
        isNeeded: usesScram,
        member: 'target.auth.username',
      },
      {
        name: 'region',
        label: 'Region',
        isRequired: true,
        isNeeded: ({ method }) => method === 'iam',
        member: 'target.auth.region',
      },
    ],
  },
];

export function isTargetKind(kind: string): boolean {
  return targetKinds.some((one) => one.kind === kind);
}

export function targetTitle(kind: string): string {
  return targetKinds.find((one) => one.kind === kind)?.title ?? kind;
}

/** The fields of a kind that are needed with these texts. */
export function fieldsOf(kind: string, texts: TargetTexts): readonly TargetField[] {
  const { fields = [] } = targetKinds.find((one) => one.kind === kind) ?? {};
  return fields.filter(({ isNeeded }) => isNeeded?.(texts) !== false);
}

export function textOf({ name, initial = '' }: TargetField, texts: TargetTexts): string {
  return texts[name] ?? initial;
}

/** The target for the service, which checks it. */
export function targetOf(kind: string, texts: TargetTexts): object {
  const given = fieldsOf(kind, texts).flatMap((field) => {
    const text = textOf(field, texts);
    return text.trim() === '' ? [] : [[field.name, field.read?.(text) ?? text.trim()] as const];
  });
  const { method, username, region, ...members } = Object.fromEntries(given);
  if (kind !== 'kafka') return { kind, ...members };
  const auth = { method, ...(username && { username }), ...(region && { region }) };
  return { kind, ...members, auth };
}

/** The texts of a target of the service. */
export function textsOf({ kind, auth, ...members }: RuleTarget): TargetTexts {
  const values: Readonly<Record<string, unknown>> = { ...members, ...(auth as object | undefined) };
  const { fields = [] } = targetKinds.find((one) => one.kind === kind) ?? {};
  return Object.fromEntries(
    fields.flatMap(({ name, write = String }) =>
      values[name] === undefined ? [] : [[name, write(values[name])]],
    ),
  );
}

/** What a password or signing secret is needed for; undefined: nothing. */
export function secretKindOf({ kind, auth }: RuleTarget): 'webhook' | 'password' | undefined {
  if (kind === 'webhook') return 'webhook';
  const { method } = (auth ?? {}) as { readonly method?: string };
  return kind === 'kafka' && method?.startsWith('scram-') ? 'password' : undefined;
}

function linesOf(text: string): string[] {
  return text.split(/[\n,]/).flatMap((line) => line.trim() || []);
}
