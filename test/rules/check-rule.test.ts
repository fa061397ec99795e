import { describe, expect, test } from 'vitest';
import { type CheckRuleOptions, checkRule } from '../../lib/rules/check-rule.ts';

const options: CheckRuleOptions = { tenant: 'acme', name: 'orders', createdAtMs: 7, local: false };
const queueArn = 'arn:aws:sqs:eu-central-1:123456789012:orders';
const sqs = { kind: 'sqs', queueArn };
const minimal = { filter: 'orders/+/placed', target: sqs };

function refusalOf(input: unknown, more: Partial<CheckRuleOptions> = {}) {
  const checked = checkRule(input, { ...options, ...more });
  return 'rule' in checked ? 'accepted' : `${checked.code}: ${checked.detail}`;
}

test('a rule of a filter and a target gets its defaults', () => {
  expect(checkRule(minimal, options)).toEqual({
    rule: {
      name: 'orders',
      filter: 'orders/+/placed',
      send: { form: 'envelope' },
      target: sqs,
      status: 'active',
      retryHours: 24,
      createdAtMs: 7,
    },
  });
});

test('a rule keeps what is given', () => {
  const given = {
    filter: '$SYS/tenants/acme/clients/+/+',
    where: '{"topic":[{"suffix":"/connected"}]}',
    send: { form: 'template', template: '{"c": <$.levels[4]>}' },
    target: { ...sqs, roleArn: 'arn:aws:iam::123456789012:role/wisp' },
    status: 'paused',
    retryHours: 96,
  };
  expect(checkRule(given, { ...options, owner: 'user-1' })).toEqual({
    rule: { name: 'orders', ...given, owner: 'user-1', createdAtMs: 7 },
  });
  expect(checkRule(minimal, { ...options, status: 'paused' })).toMatchObject({ rule: { status: 'paused' } });
});

const arn = (service: string, resource: string) =>
  `arn:aws-cn:${service}:cn-north-1:123456789012:${resource}`;

describe('targets', () => {
  test.each<[string, object, object]>([
    ['webhook', { url: 'https://example.com/in?a=1', headers: { 'X-Team': 'a' } }, {}],
    ['sqs', { queueArn: arn('sqs', 'orders.fifo'), messageGroupId: 'g' }, {}],
    ['sns', { topicArn: arn('sns', 'orders') }, {}],
    [
      'eventbridge',
      { busArn: arn('events', 'event-bus/default') },
      { source: 'wisp.rules', detailType: 'Wisp Message' },
    ],
    ['kinesis', { streamArn: arn('kinesis', 'stream/s') }, {}],
    ['firehose', { streamArn: arn('firehose', 'deliverystream/s') }, {}],
    ['lambda', { functionArn: arn('lambda', 'function:f:live') }, {}],
    ['dynamodb', { tableArn: arn('dynamodb', 'table/orders') }, {}],
    [
      'kafka',
      { brokers: ['b-1.example.com:9096', '[::1]:9092'], topic: 'orders' },
      { tls: true, auth: { method: 'none' } },
    ],
    [
      'kafka',
      {
        brokers: [
          'b-1.name.a1b2c3.c2.kafka.eu-central-1.amazonaws.com:9098',
          'boot-a1b2.c1.kafka-serverless.eu-central-1.amazonaws.com:9098',
        ],
        topic: 't',
        tls: true,
        auth: { method: 'iam', region: 'eu-central-1' },
      },
      {},
    ],
    [
      'kafka',
      { brokers: ['b:1'], topic: 't', tls: true, auth: { method: 'scram-sha-512', username: 'u' } },
      {},
    ],
    ['republish', { topic: 'alerts/<$.levels[1]>' }, { qos: 0, retain: false }],
  ])('%s', (kind, target, defaults) => {
    expect(checkRule({ ...minimal, target: { kind, ...target } }, options)).toMatchObject({
      rule: { target: { kind, ...target, ...defaults } },
    });
  });

  test('on the own machine: http and modules', () => {
    const webhook = { ...minimal, target: { kind: 'webhook', url: 'http://127.0.0.1:8080/in' } };
    const module = { ...minimal, target: { kind: 'lambda', functionArn: './handler.mjs' } };
    expect(refusalOf(webhook, { local: true })).toBe('accepted');
    expect(refusalOf(module, { local: true })).toBe('accepted');
    expect(refusalOf(webhook)).toBe('body: target.url: expected a URL with https');
    expect(refusalOf(module)).toBe(
      'body: target.functionArn: expected the ARN of a Lambda function, with region and account',
    );
  });
});

describe('a rule that is refused', () => {
  const target = (kind: string, members: object) => ({ ...minimal, target: { kind, ...members } });
  const webhook = (members: object) => target('webhook', { url: 'https://example.com/', ...members });
  const kafka = (members: object) => target('kafka', { brokers: ['b:1'], topic: 't', ...members });
  test.each<[string, unknown, string | RegExp]>([
    ['no object', [], /^body: /],
    ['an unknown member', { ...minimal, wehre: '{}' }, 'body: unknown member "wehre"'],
    ['no target', { filter: 'a' }, /^body: target: missing/],
    ['a target without a kind', target('', {}), /^body: target.kind: expected "webhook", "sqs"/],
    [
      'an unknown member of a target',
      target('sqs', { queueArn, arn: 'x' }),
      'body: target: unknown member "arn"',
    ],
    ['a filter that is not valid', { ...minimal, filter: 'a/#/b' }, /^rule-filter: misplaced wildcard/],
    ['a shared filter', { ...minimal, filter: '$share/g/a' }, /^rule-filter: .* leave out \$share/],
    ["another tenant's topics", { ...minimal, filter: '$SYS/tenants/other/#' }, /^rule-filter: of \$ topics/],
    ['$ topics that there are not', { ...minimal, filter: '$queue/a' }, /^rule-filter: of \$ topics/],
    [
      'a pattern that is not valid',
      { ...minimal, where: '{"payload": {"total": [{"numeric": [">", "9"]}]}}' },
      'rule-pattern: where: payload.total[0].numeric[1] (line 1, column 42): expected a number after the operator',
    ],
    [
      'a pattern that is no JSON',
      { ...minimal, where: '{"a"' },
      'rule-pattern: where: a (line 1, column 5): expected ":"',
    ],
    [
      'a pattern that is no text',
      { ...minimal, where: {} },
      'body: where: expected an event pattern as a text',
    ],
    [
      'a template that is not valid',
      { ...minimal, send: { form: 'template', template: '{"a": <b>}' } },
      /^rule-template: send.template: a \(line 1, column 7\): unknown variable/,
    ],
    [
      'a template beyond its bound',
      { ...minimal, send: { form: 'template', template: 'ä'.repeat(2_049) } },
      /^rule-template: .*4096 bytes/,
    ],
    [
      'a form that there is not',
      { ...minimal, send: { form: 'raw' } },
      'body: send.form: expected "envelope", "payload" or "template"',
    ],
    [
      'hours beyond four days',
      { ...minimal, retryHours: 97 },
      'body: retryHours: expected a whole number, 1 to 96',
    ],
    ['no hours', { ...minimal, retryHours: 0 }, /^body: retryHours/],
    [
      'an ARN without an account',
      target('sqs', { queueArn: 'arn:aws:sqs:eu-central-1::q' }),
      /^body: target.queueArn: expected the ARN of an SQS queue/,
    ],
    [
      'an ARN without a region',
      target('sns', { topicArn: 'arn:aws:sns::123456789012:t' }),
      /^body: target.topicArn/,
    ],
    ['an ARN of another service', target('sqs', { queueArn: arn('sns', 'q') }), /^body: target.queueArn/],
    [
      'an ARN with a wildcard',
      target('lambda', { functionArn: arn('lambda', 'function:*') }),
      /^body: target.functionArn/,
    ],
    [
      'a role that is none',
      target('sqs', { queueArn, roleArn: 'x' }),
      'body: target.roleArn: expected the ARN of a role',
    ],
    [
      'a source of AWS',
      target('eventbridge', { busArn: arn('events', 'event-bus/b'), source: 'aws.s3' }),
      /^body: target.source/,
    ],
    [
      'a URL with credentials',
      webhook({ url: 'https://u:p@example.com/' }),
      /^body: target.url: expected a URL without user name/,
    ],
    [
      'a URL of a file',
      webhook({ url: 'file:///etc/passwd' }),
      'body: target.url: expected a URL with https',
    ],
    ['a URL with a fragment', webhook({ url: 'https://example.com/#a' }), /^body: target.url/],
    ['a relative URL', webhook({ url: '/in' }), 'body: target.url: expected an absolute URL'],
    [
      'a header with a credential',
      webhook({ headers: { Authorization: 'Bearer x' } }),
      /^body: target.headers.Authorization: expected a header that/,
    ],
    [
      'a header that Wisp writes',
      webhook({ headers: { 'webhook-id': 'x' } }),
      /^body: target.headers.webhook-id/,
    ],
    [
      'a header of two lines',
      webhook({ headers: { a: 'x\r\nb: y' } }),
      /^body: target.headers.a: expected printable ASCII/,
    ],
    [
      'too many headers',
      webhook({ headers: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`h${i}`, 'x'])) }),
      /^body: target.headers: expected an object of at most 16 members/,
    ],
    [
      'a broker without a port',
      kafka({ brokers: ['b'] }),
      /^body: target.brokers\[0\]: expected a host and a port/,
    ],
    ['a broker with a port that there is not', kafka({ brokers: ['b:65536'] }), /^body: target.brokers\[0\]/],
    ['no brokers', kafka({ brokers: [] }), /^body: target.brokers: expected a list of 1 to 10 items/],
    [
      'IAM without TLS',
      kafka({ tls: false, auth: { method: 'iam', region: 'eu-central-1' } }),
      'body: target.tls: expected true: MSK takes IAM over TLS only',
    ],
    [
      'another authentication',
      kafka({ auth: { method: 'plain' } }),
      /^body: target.auth.method: expected "none"/,
    ],
    [
      'a password',
      kafka({ auth: { method: 'scram-sha-512', username: 'u', password: 'p' } }),
      'body: target.auth: unknown member "password"',
    ],
    [
      'a topic with a wildcard',
      target('republish', { topic: 'a/+' }),
      /^rule-template: target.topic: expected a topic name/,
    ],
    [
      "the server's topic",
      target('republish', { topic: '$SYS/<$.qos>' }),
      /^rule-template: target.topic: expected a topic name/,
    ],
    [
      'a topic with an unknown variable',
      target('republish', { topic: 'a/<b>' }),
      /^rule-template: target.topic: line 1, column 3/,
    ],
    ['QoS 3', target('republish', { topic: 'a', qos: 3 }), 'body: target.qos: expected 0, 1 or 2'],
  ])('%s', (_, input, expected) => {
    expect(refusalOf(input)).toEqual(
      typeof expected === 'string' ? expected : expect.stringMatching(expected),
    );
  });

  test.each(['', 'Orders', '-a', 'a-', 'a#b', 'x'.repeat(64)])('the name %j', (name) => {
    expect(refusalOf(minimal, { name })).toMatch(/^rule-name/);
  });

  test('a rule that is too large as a whole', () => {
    const value = 'x'.repeat(512);
    const headers = Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`h${i}`, value]));
    expect(refusalOf(webhook({ headers }))).toMatch(/^rule-too-large: \d+ of at most 8192 bytes$/);
  });

  test.each(['$SYS/#', '$SYS/+/acme/clients/#', '$SYS/tenants/acme/clients/+/connected'])(
    'but not the filter %s, which matches own topics',
    (filter) => expect(refusalOf({ ...minimal, filter })).toBe('accepted'),
  );
});

test.each([
  'broker.example.com:9098',
  'b-1.kafka.eu-central-1.amazonaws.com.example.com:9098',
  'xkafka.eu-central-1.amazonaws.com:9098',
  // Another region, and a part of AWS that has none of these names.
  'b-1.name.c2.kafka.us-east-1.amazonaws.com:9098',
  'b-1.name.c2.kafka.eu-central-1.amazonaws.com.cn:9098',
  '10.0.0.1:9098',
])('the token of IAM does not go to %s', (broker) => {
  const target = {
    kind: 'kafka',
    brokers: ['b-1.name.a1.c2.kafka.eu-central-1.amazonaws.com:9098', broker],
    topic: 't',
    auth: { method: 'iam', region: 'eu-central-1' },
  };
  expect(refusalOf({ ...minimal, target })).toMatch(/^rule-broker-not-msk: target.brokers\[1\]/);
});

test.each(['wisp', 'Wisp', ' wisp ', 'wisp\u0000'])(
  'events of rules are not from %j, as those of clients are',
  (source) => {
    const busArn = 'arn:aws:events:eu-central-1:123456789012:event-bus/b';
    const target = { kind: 'eventbridge', busArn, source };
    expect(refusalOf({ ...minimal, target })).toMatch(/^body: target.source: expected a source/);
  },
);
