import { expect, test } from 'vitest';
import { ApiProblem } from '../../console/api/call.ts';
import { excerptOf, flawAt } from '../../console/rules/flaw.ts';
import { targetKinds, targetOf, textsOf } from '../../console/rules/target-fields.ts';
import { checkRule } from '../../lib/rules/check-rule.ts';

const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:111122223333:${resource}`;

const msk = [1, 2].map((n) => `b-${n}.plant.abc123.c2.kafka.eu-central-1.amazonaws.com:9098`).join(', ');

test.each([
  ['webhook', { url: 'https://example.com/in', headers: 'x-plant: 7\nx-line: a: b\n' }],
  ['republish', { topic: 'alerts/<$.levels[1]>', qos: '2', retain: 'true' }],
  ['sqs', { queueArn: arn('sqs', 'orders.fifo'), messageGroupId: 'g', roleArn: '' }],
  ['sns', { topicArn: arn('sns', 'orders') }],
  ['lambda', { functionArn: arn('lambda', 'function:f') }],
  ['eventbridge', { busArn: arn('events', 'event-bus/b'), source: 'plant', detailType: 'State' }],
  ['kinesis', { streamArn: arn('kinesis', 'stream/s') }],
  ['firehose', { streamArn: arn('firehose', 'deliverystream/s') }],
  ['dynamodb', { tableArn: arn('dynamodb', 'table/things'), roleArn: 'arn:aws:iam::111122223333:role/r' }],
  ['kafka', { brokers: 'a:9092\nb:9092', topic: 't', tls: 'false', method: 'scram-sha-512', username: 'u' }],
  ['kafka', { brokers: msk, topic: 't', key: 'k', method: 'iam', region: 'eu-central-1' }],
] as const)(
  'fields of %s give a target that the service takes, and are read from it again',
  (kind, texts) => {
    const target = targetOf(kind, texts);
    const checked = checkRule(
      { filter: 'a/#', target },
      { tenant: 'acme', name: 'r', createdAtMs: 0, local: false },
    );
    if (!('rule' in checked)) throw new Error(checked.detail);
    const stored = checked.rule.target as Parameters<typeof textsOf>[0];
    expect(targetOf(kind, textsOf(stored))).toEqual({ ...stored });
  },
);

test('every kind of target of the service has its fields', () => {
  const given = { filter: 'a', target: { kind: 'other' } };
  const checked = checkRule(given, { tenant: 'acme', name: 'r', createdAtMs: 0, local: false });
  const kinds = 'detail' in checked ? [...checked.detail.matchAll(/"(\w+)"/g)].map(([, kind]) => kind) : [];
  expect(targetKinds.map(({ kind }) => kind).sort()).toEqual(kinds.sort());
});

test.each([
  ['body', 'the body is not valid: target.url: expected a URL', 'target.url', 'expected a URL'],
  ['body', 'the body is not valid: target.url: expected a URL', 'target', '.url: expected a URL'],
  ['body', 'the body is not valid: target.urls: expected a URL', 'target.url', undefined],
  ['body', 'the body is not valid: target.brokers[1]: expected', 'target.brokers', '[1]: expected'],
  ['rule-filter', 'not a filter: "#" must be last', 'filter', 'not a filter: "#" must be last'],
  ['rule-pattern', 'no pattern: where: topic (line 1, column 9): expected a list', 'filter', undefined],
])('a refusal %s, "%s" says of %s: %s', (code, message, member, flaw) => {
  expect(flawAt(new ApiProblem(400, code, message), member)).toBe(flaw);
});

test.each([
  ['{"a": 3}', 'a (line 1, column 7): x', { line: 1, column: 7, before: '{"a": ', wrong: '3', after: '}' }],
  ['{\n"a": [', 'line 2, column 7: x', { line: 2, column: 7, before: '"a": [', wrong: '', after: '' }],
  ['😀', 'line 1, column 1: x', { line: 1, column: 1, before: '', wrong: '😀', after: '' }],
  ['{}', 'line 9, column 1: x', undefined],
  ['{}', 'somewhere', undefined],
])('the place of a mistake in %j, "%s"', (text, flaw, excerpt) => {
  expect(excerptOf(text, flaw)).toEqual(excerpt);
});

test('a long line is cut around the mistake', () => {
  const excerpt = excerptOf(`${'a'.repeat(100)}!${'b'.repeat(100)}`, 'line 1, column 101: x');
  expect(excerpt).toMatchObject({ before: `… ${'a'.repeat(36)}`, wrong: '!', after: `${'b'.repeat(36)} …` });
});
