import * as v from 'valibot';
import { boundedText, list, record } from '../core/validation.ts';
import { isLifecycleSource, ruleEventSource } from './event-source.ts';
import { isReservedHeader } from './own-headers.ts';

/** What a deployment allows beyond what every deployment allows. */
export interface TargetOptions {
  /**
   * The service runs on the operator's own machine: webhooks may use `http:`, and Lambda targets
   * may be paths of modules.
   */
  readonly local: boolean;
}

const limits = {
  maxUrlCharacters: 2_048,
  maxHeaders: 16,
  maxHeaderNameCharacters: 64,
  maxHeaderValueCharacters: 512,
  maxBrokers: 10,
  maxBrokerCharacters: 261,
  maxUserCharacters: 255,
  /** Of Kafka: keys are usually ids. */
  maxKeyCharacters: 256,
  maxModulePathCharacters: 1_024,
  maxTopicCharacters: 1_000,
} as const;

function pattern(expression: RegExp, expected: string) {
  return v.pipe(v.string(expected), v.regex(expression, expected));
}

/** `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`, all of them given. */
function arn(service: string, resource: string, what: string) {
  return pattern(
    new RegExp(`^arn:aws[a-z-]{0,20}:${service}:[a-z]{2}(?:-[a-z]+)+-\\d:\\d{12}:${resource}$`),
    `the ARN of ${what}, with region and account`,
  );
}

const roleArn = v.exactOptional(
  pattern(/^arn:aws[a-z-]{0,20}:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/, 'the ARN of a role'),
);

const headers = v.exactOptional(
  record(
    v.pipe(
      pattern(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'the name of a header'),
      v.maxLength(
        limits.maxHeaderNameCharacters,
        `a name of at most ${limits.maxHeaderNameCharacters} characters`,
      ),
      v.check(
        (name) => !isReservedHeader(name),
        'a header that neither Wisp writes nor holds a credential (credentials are secrets of the rule)',
      ),
    ),
    v.pipe(boundedText(limits.maxHeaderValueCharacters), v.regex(/^[\x20-\x7e]*$/, 'printable ASCII')),
    limits.maxHeaders,
  ),
);

function webhookUrl({ local }: TargetOptions) {
  return v.pipe(
    boundedText(limits.maxUrlCharacters),
    v.check((written) => URL.canParse(written), 'an absolute URL'),
    v.transform((written) => new URL(written)),
    v.check(
      ({ protocol }) => protocol === 'https:' || (local && protocol === 'http:'),
      local ? 'a URL with https or http' : 'a URL with https',
    ),
    v.check(
      ({ username, password }) => username === '' && password === '',
      'a URL without user name and password (credentials are secrets of the rule)',
    ),
    v.check(({ hash }) => hash === '', 'a URL without a fragment'),
    v.transform(({ href }) => href),
  );
}

const functionArn = arn(
  'lambda',
  'function:[A-Za-z0-9_-]{1,64}(?::(?:\\$LATEST|[A-Za-z0-9_-]{1,128}))?',
  'a Lambda function',
);

const modulePath = v.pipe(
  boundedText(limits.maxModulePathCharacters),
  v.regex(/^(?!arn:).*\.(?:m|c)?[jt]s$/, 'the ARN of a Lambda function, or the path of a module'),
);

const awsTargets = [
  v.strictObject({
    kind: v.literal('sqs'),
    queueArn: arn('sqs', '(?:[A-Za-z0-9_-]{1,75}\\.fifo|[A-Za-z0-9_-]{1,80})', 'an SQS queue'),
    messageGroupId: v.exactOptional(
      pattern(/^[\x21-\x7e]{1,128}$/, 'a message group of 1 to 128 characters of ASCII without spaces'),
    ),
    roleArn,
  }),
  v.strictObject({
    kind: v.literal('sns'),
    topicArn: arn('sns', '(?:[A-Za-z0-9_-]{1,251}\\.fifo|[A-Za-z0-9_-]{1,256})', 'an SNS topic'),
    roleArn,
  }),
  v.strictObject({
    kind: v.literal('eventbridge'),
    busArn: arn('events', 'event-bus/[A-Za-z0-9/._-]{1,256}', 'an event bus'),
    source: v.optional(
      v.pipe(
        boundedText(256),
        v.check((source) => !source.startsWith('aws.'), 'a source that does not begin with "aws."'),
        v.check(
          (source) => !isLifecycleSource(source),
          'a source other than "wisp", that of the events of clients',
        ),
      ),
      ruleEventSource,
    ),
    detailType: v.optional(boundedText(128), 'Wisp Message'),
    roleArn,
  }),
  v.strictObject({
    kind: v.literal('kinesis'),
    streamArn: arn('kinesis', 'stream/[A-Za-z0-9_.-]{1,128}', 'a Kinesis stream'),
    roleArn,
  }),
  v.strictObject({
    kind: v.literal('firehose'),
    streamArn: arn('firehose', 'deliverystream/[A-Za-z0-9_.-]{1,64}', 'a Firehose stream'),
    roleArn,
  }),
  v.strictObject({
    kind: v.literal('dynamodb'),
    tableArn: arn('dynamodb', 'table/[A-Za-z0-9_.-]{3,255}', 'a DynamoDB table'),
    roleArn,
  }),
] as const;

const kafka = v.pipe(
  v.strictObject({
    kind: v.literal('kafka'),
    brokers: list(
      v.pipe(
        boundedText(limits.maxBrokerCharacters),
        v.check(isHostAndPort, 'a host and a port, as in "broker.example.com:9096"'),
      ),
      1,
      limits.maxBrokers,
    ),
    topic: pattern(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, 'the name of a Kafka topic'),
    key: v.exactOptional(boundedText(limits.maxKeyCharacters)),
    tls: v.optional(v.boolean('true or false'), true),
    auth: v.optional(
      v.variant(
        'method',
        [
          v.strictObject({ method: v.literal('none') }),
          v.strictObject({
            method: v.picklist(['scram-sha-256', 'scram-sha-512']),
            username: boundedText(limits.maxUserCharacters),
          }),
          v.strictObject({
            method: v.literal('iam'),
            region: pattern(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'a region of AWS'),
          }),
        ],
        (issue) =>
          issue.path === undefined ? 'an object' : '"none", "scram-sha-256", "scram-sha-512" or "iam"',
      ),
      { method: 'none' } as const,
    ),
  }),
  v.forward(
    v.check(({ tls, auth }) => tls || auth.method !== 'iam', 'true: MSK takes IAM over TLS only'),
    ['tls'],
  ),
);

const republish = v.strictObject({
  kind: v.literal('republish'),
  topic: boundedText(limits.maxTopicCharacters),
  qos: v.optional(v.picklist([0, 1, 2], '0, 1 or 2'), 0),
  retain: v.optional(v.boolean('true or false'), false),
});

const kinds =
  '"webhook", "sqs", "sns", "eventbridge", "kinesis", "firehose", "lambda", "dynamodb", "kafka" or "republish"';

/** The target of a rule as the admin API takes it, with its defaults filled in. */
export function targetSchema(options: TargetOptions) {
  return v.variant(
    'kind',
    [
      v.strictObject({ kind: v.literal('webhook'), url: webhookUrl(options), headers }),
      ...awsTargets,
      v.strictObject({
        kind: v.literal('lambda'),
        functionArn: options.local ? v.union([functionArn, modulePath]) : functionArn,
        roleArn,
      }),
      kafka,
      republish,
    ],
    (issue) => (issue.path === undefined ? 'an object' : kinds),
  );
}

function isHostAndPort(written: string): boolean {
  const [, host = '', port = ''] =
    /^([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):(\d{1,5})$/.exec(written) ?? [];
  return host !== '' && Number(port) >= 1 && Number(port) <= 65_535;
}
