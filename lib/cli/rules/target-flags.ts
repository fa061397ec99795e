import { type Command, Option } from 'commander';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import { collectValues, parseQos } from '../options.ts';
import { modulePathOf } from './module-path.ts';

/** The flags of `wisp rule add` that say where messages go. */
export interface TargetFlags {
  readonly webhook?: string;
  readonly header?: readonly string[];
  readonly sqs?: string;
  readonly groupId?: string;
  readonly sns?: string;
  readonly eventbridge?: string;
  readonly source?: string;
  readonly detailType?: string;
  readonly kinesis?: string;
  readonly firehose?: string;
  readonly lambda?: string;
  readonly dynamodb?: string;
  readonly kafka?: string;
  readonly kafkaTopic?: string;
  readonly kafkaKey?: string;
  readonly kafkaUser?: string;
  readonly kafkaMechanism?: 'scram-sha-256' | 'scram-sha-512';
  readonly kafkaIam?: string;
  /** `--no-tls` */
  readonly tls: boolean;
  readonly republish?: string;
  readonly qos?: number;
  readonly retain?: true;
  readonly role?: string;
}

export function addTargetFlags(command: Command): Command {
  return command
    .option('--webhook <url>', 'target: POSTs to an https URL, signed as Standard Webhooks')
    .option('--header <name:value>', '--webhook: a header of each request; may be repeated', collectValues)
    .option('--sqs <arn>', 'target: an SQS queue; FIFO queues keep the order of a topic')
    .option('--group-id <id>', '--sqs: message group of a FIFO queue (default: the topic)')
    .option('--sns <arn>', 'target: an SNS topic')
    .option('--eventbridge <arn>', 'target: an EventBridge bus')
    .option('--source <source>', '--eventbridge: source of the events (default: wisp)')
    .option('--detail-type <type>', '--eventbridge: detail type (default: Wisp Message)')
    .option('--kinesis <arn>', 'target: a Kinesis data stream')
    .option('--firehose <arn>', 'target: a Firehose stream')
    .option('--lambda <arn>', 'target: a Lambda function; locally a module, such as ./handler.mjs')
    .option('--dynamodb <arn>', 'target: a DynamoDB table; each message puts an item')
    .option('--kafka <hosts>', 'target: Kafka; HOST:PORT of brokers, separated by commas')
    .option('--kafka-topic <topic>', '--kafka: topic')
    .option('--kafka-key <key>', '--kafka: key of all records (default: the MQTT topic)')
    .option('--kafka-user <user>', '--kafka: user for SCRAM; its password is in --secret-file')
    .addOption(
      new Option('--kafka-mechanism <name>', '--kafka-user: mechanism (default: scram-sha-512)').choices([
        'scram-sha-256',
        'scram-sha-512',
      ]),
    )
    .option('--kafka-iam <region>', '--kafka: authenticate with IAM, for MSK in this region')
    .option('--no-tls', '--kafka: connect without TLS')
    .option('--republish <topic>', 'target: publishes again to this topic')
    .addOption(new Option('--qos <qos>', '--republish: QoS (default: 0)').argParser(parseQos))
    .option('--retain', '--republish: retain the messages')
    .option('--role <arn>', 'role to assume before calls to a target of AWS; external id: the tenant');
}

/** Flags that belong to one target each. */
const ofTarget = {
  webhook: ['header'],
  sqs: ['groupId', 'role'],
  sns: ['role'],
  eventbridge: ['source', 'detailType', 'role'],
  kinesis: ['role'],
  firehose: ['role'],
  lambda: ['role'],
  dynamodb: ['role'],
  kafka: ['kafkaTopic', 'kafkaKey', 'kafkaUser', 'kafkaMechanism', 'kafkaIam'],
  republish: ['qos', 'retain'],
} as const satisfies Readonly<Partial<Record<keyof TargetFlags, readonly (keyof TargetFlags)[]>>>;

type TargetFlag = keyof typeof ofTarget;
const targetFlags = Object.keys(ofTarget) as readonly TargetFlag[];

/**
 * The target that the flags describe, as the admin API takes it; the API checks it.
 *
 * @param workingDirectory of relative paths of modules
 * @throws UserError `usage` if the flags name no target, several, or flags of another one.
 */
export function targetFrom(flags: TargetFlags, isLocal: boolean, workingDirectory: string): object {
  const [kind, ...others] = targetFlags.filter((name) => flags[name] !== undefined);
  if (kind === undefined) throw usage(`name the target with one of ${listed(targetFlags)}`);
  if (others.length > 0) throw usage(`a rule has one target, not ${listed([kind, ...others])}`);
  const own: readonly string[] = ofTarget[kind];
  const foreign = Object.values(ofTarget)
    .flat()
    .find((name) => flags[name] !== undefined && !own.includes(name));
  if (foreign !== undefined) throw usage(`${flag(foreign)} does not belong to ${flag(kind)}`);
  if (!flags.tls && kind !== 'kafka') throw usage(`--no-tls does not belong to ${flag(kind)}`);
  const role = flags.role === undefined ? {} : { roleArn: flags.role };
  switch (kind) {
    case 'webhook':
      return { kind, url: flags.webhook, ...member('headers', headersFrom(flags.header)) };
    case 'sqs':
      return { kind, queueArn: flags.sqs, ...member('messageGroupId', flags.groupId), ...role };
    case 'sns':
      return { kind, topicArn: flags.sns, ...role };
    case 'eventbridge': {
      const { eventbridge: busArn, source = 'wisp.rules', detailType = 'Wisp Message' } = flags;
      return { kind, busArn, source, detailType, ...role };
    }
    case 'kinesis':
      return { kind, streamArn: flags.kinesis, ...role };
    case 'firehose':
      return { kind, streamArn: flags.firehose, ...role };
    case 'lambda':
      return { kind, functionArn: modulePathOf(flags.lambda ?? '', isLocal, workingDirectory), ...role };
    case 'dynamodb':
      return { kind, tableArn: flags.dynamodb, ...role };
    case 'kafka':
      return kafkaFrom(flags);
    case 'republish':
      return { kind, topic: flags.republish, qos: flags.qos ?? 0, retain: flags.retain === true };
  }
}

function kafkaFrom(flags: TargetFlags): object {
  const { kafka = '', kafkaTopic, kafkaKey, kafkaUser, kafkaMechanism, kafkaIam, tls } = flags;
  if (kafkaTopic === undefined) throw usage('--kafka needs --kafka-topic');
  if (kafkaUser !== undefined && kafkaIam !== undefined)
    throw usage('--kafka-user and --kafka-iam exclude each other');
  if (kafkaMechanism !== undefined && kafkaUser === undefined)
    throw usage('--kafka-mechanism needs --kafka-user');
  const auth =
    kafkaUser !== undefined
      ? { method: kafkaMechanism ?? 'scram-sha-512', username: kafkaUser }
      : kafkaIam === undefined
        ? { method: 'none' }
        : { method: 'iam', region: kafkaIam };
  return {
    kind: 'kafka',
    brokers: kafka.split(','),
    topic: kafkaTopic,
    ...member('key', kafkaKey),
    tls,
    auth,
  };
}

function headersFrom(given: readonly string[] | undefined): Record<string, string> | undefined {
  if (given === undefined) return undefined;
  return Object.fromEntries(
    given.map((header) => {
      const colon = header.indexOf(':');
      if (colon <= 0) throw usage("--header takes 'NAME: VALUE'");
      return [header.slice(0, colon).trim(), header.slice(colon + 1).trim()];
    }),
  );
}

function member(name: string, value: unknown): Readonly<Record<string, unknown>> {
  return value === undefined ? {} : { [name]: value };
}

function listed(names: readonly string[]): string {
  return names.map(flag).join(', ');
}

/** `detailType` → `--detail-type` */
function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
