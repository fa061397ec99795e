import { describe, expect, test } from 'vitest';
import type { RuleRecord } from '../../lib/core/rules.ts';
import { renderDelivery, renderTopic } from '../../lib/rules/envelope.ts';
import { ruleEventOf } from '../../lib/rules/event.ts';
import { compileTemplate } from '../../lib/rules/template.ts';
import { recordWith } from './records.ts';

function rendered(template: string, record: RuleRecord): string {
  const delivery = renderDelivery({ form: 'template', template }, record, ruleEventOf(record));
  return 'code' in delivery ? delivery.code : new TextDecoder().decode(delivery.body);
}

/**
 * The examples of "Amazon EventBridge input transformation" in the user guide, where the variable
 * <instance> is the path $.detail.instance-id. Their event is the payload of a message here.
 */
const published = recordWith({
  payload: JSON.stringify({
    time: '2015-11-11T21:29:54Z',
    detail: { 'instance-id': 'i-0123456789', state: 'RUNNING' },
  }),
});

describe('templates that AWS publishes', () => {
  test.each([
    ['simple string', '"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'],
    [
      'string with escaped quotes',
      '"instance \\"<instance>\\" is in <state>"',
      '"instance \\"i-0123456789\\" is in RUNNING"',
    ],
    [
      'simple JSON',
      '{\n  "instance" : <instance>,\n  "state": <state>\n}',
      '{"instance":"i-0123456789","state":"RUNNING"}',
    ],
    [
      'JSON with strings and variables',
      '{"instance" : <instance>, "state": "<state>", "instanceStatus": "instance \\"<instance>\\" is in <state>"}',
      '{"instance":"i-0123456789","state":"RUNNING","instanceStatus":"instance \\"i-0123456789\\" is in RUNNING"}',
    ],
    [
      'JSON with a mix of variables and static information',
      '{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}',
      '{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}',
    ],
    ['reserved variables in a string', '"<aws.events.rule-name> triggered"', '"orders triggered"'],
  ])('%s', (_, template, expected) => {
    const ours = template
      .replaceAll('<instance>', '<$.payload.detail.instance-id>')
      .replaceAll('<state>', '<$.payload.detail.state>');
    expect(rendered(ours, published)).toBe(expected);
  });

  test('the original event, without and with its payload', () => {
    const text = rendered(
      '{"e": <aws.events.event>, "j": <aws.events.event.json>, "t": <aws.events.event.ingestion-time>}',
      published,
    );
    const { e, j, t } = JSON.parse(text);
    expect(e).toMatchObject({ version: 1, id: 'm-1', topic: 'orders/7/placed' });
    expect(e).not.toHaveProperty('payload');
    expect(j).toMatchObject({ ...e, payload: { detail: { state: 'RUNNING' } } });
    expect(t).toBe('2026-11-28T12:00:00.007Z');
  });
});

describe('values', () => {
  const record = recordWith({
    payload: '{"t":21.5,"ok":false,"none":null,"q":"say \\"hi\\"\\n","list":[1,{"a":2},{"a":3}],"o":{"x":1}}',
    properties: { userProperties: [['k', 'v']] },
  });
  test.each([
    ['numbers, booleans and null', '[<$.payload.t>, <$.payload.ok>, <$.payload.none>]', '[21.5,false,null]'],
    ['numbers in a text', '"t=<$.payload.t>"', '"t=21.5"'],
    ['texts are escaped in a text', '{"s": "<$.payload.q>!"}', '{"s":"say \\"hi\\"\\n!"}'],
    [
      'objects and lists',
      '{"o": <$.payload.o>, "l": <$.payload.list>}',
      '{"o":{"x":1},"l":[1,{"a":2},{"a":3}]}',
    ],
    ['an object in a text', '"o=<$.payload.o>"', '"o={\\"x\\":1}"'],
    ['an element', '<$.payload.list[1].a> of <$.levels[1]>', '2 of 7'],
    ['all elements', '{"a": <$.payload.list[*].a>}', '{"a":[2,3]}'],
    ['all members', '{"x": <$.payload.o.*>}', '{"x":[1]}'],
    ['user properties', '{"k": <$.properties.user.k>}', '{"k":"v"}'],
    ['a missing member is left out', '{"a": <$.payload.no>, "b": <$.qos>}', '{"b":1}'],
    ['a missing element is left out', '[<$.payload.no>, <$.qos>, <$.payload.no>]', '[1]'],
    ['a missing value in a text', '"<$.payload.no>-<$.qos>"', '"-1"'],
    ['nothing but a missing value', '[[<$.payload.no>]]', '[[]]'],
    ['a member that objects inherit', '{"a": <$.payload.o.toString>}', '{}'],
    [
      'plain text',
      'topic <$.topic> of <$.tenant>: <$.payload.o>, <$.payload.q>',
      'topic orders/7/placed of acme: {"x":1}, say "hi"\n',
    ],
    ['another "<" in plain text', 'a < b, <https://x|y>, 1<2', 'a < b, <https://x|y>, 1<2'],
    ['an escaped "<" in JSON', '"\\u003c$.topic>"', '"<$.topic>"'],
    ['numbers as they are written', '{"n": 1.50e3}', '{"n":1.50e3}'],
  ])('%s', (_, template, expected) => {
    expect(rendered(template, record)).toBe(expected);
  });

  test('a payload that is not JSON', () => {
    const template = '[<$.payload>, <$.payloadText>, <$.payloadBase64>]';
    expect(rendered(template, recordWith({ payload: 'hot' }))).toBe('["hot"]');
    expect(rendered(template, recordWith({ payload: Uint8Array.of(255) }))).toBe('["/w=="]');
  });
});

describe('a template that is not valid', () => {
  test.each([
    ['{"a": <$.payload.a>', '', 1, 20, 'expected "," or "}"'],
    ['{\n "a": <$.payload.a>,\n "b": <b>\n}', 'b', 3, 7, /^unknown variable; known are <\$/],
    ['{"<$.topic>": 1}', '', 1, 2, 'a variable cannot be in the name of a member'],
    ['{<$.topic>: 1}', '', 1, 2, 'expected the name of a member, in quotes'],
    ['{"a": <$.topic', 'a', 1, 7, 'a variable ends with ">"'],
    ['{"a": ["x <$.topic"]}', 'a[0]', 1, 11, 'a variable ends with ">"'],
    ['on <$.detail.x>', '', 1, 4, /^messages have no such member; they have version, id/],
    ['on <$..x>', '', 1, 4, /^expected a path/],
    ['on <$.payload[-1]>', '', 1, 4, /^expected a path/],
    ['<aws.events.rule-arn>', '', 1, 1, /^unknown variable/],
    ['x'.repeat(4_097), '', 1, 1, 'a template has at most 4096 bytes'],
    ['<$.qos>'.repeat(101), '', 1, 701, 'more than 100 variables'],
    ['['.repeat(33), `${'[0]'.repeat(32)}`, 1, 33, 'nested in more than 32 levels'],
  ])('%s', (template, path, line, column, problem) => {
    expect(compileTemplate(template)).toEqual({
      fault: {
        path,
        line,
        column,
        problem: typeof problem === 'string' ? problem : expect.stringMatching(problem),
      },
    });
  });

  test('is a failure if a rule has it', () => {
    expect(rendered('<x>', published)).toBe('rule-template');
  });
});

test('a template that names a large payload often gives too much, and stops', () => {
  const record = recordWith({ payload: JSON.stringify('x'.repeat(60_000)) });
  expect(rendered('<$.payload>'.repeat(4), record)).toHaveLength(240_000);
  expect(rendered('<$.payload>'.repeat(100), record)).toBe('rule-output-too-large');
  expect(rendered(`[${Array(100).fill('<$.payload>').join()}]`, record)).toBe('rule-output-too-large');
  const wide = recordWith({ payload: JSON.stringify('ä'.repeat(30_000)) });
  expect(rendered('<$.payload>'.repeat(5), wide)).toBe('rule-output-too-large');
});

describe('a topic to publish to again', () => {
  const topicOf = (topic: string, payload: string) => {
    const record = recordWith({ payload });
    return renderTopic(topic, record, ruleEventOf(record));
  };
  test.each([
    ['alerts', '', { topic: 'alerts' }],
    ['alerts/<$.levels[1]>/<$.payload.room>', '{"room":"k/3"}', { topic: 'alerts/7/k/3' }],
    ['"<$.clientId>"', '', { topic: '"till-3"' }],
    ['alerts/<$.payload.room>', '{}', { code: 'rule-topic' }],
    ['alerts/<$.payload.room>', '{"room":"+"}', { code: 'rule-topic' }],
    ['<$.payload.room>', '{"room":""}', { code: 'rule-topic' }],
    ['<$.payload.room>', '{"room":"$SYS/tenants/acme/x"}', { code: 'rule-topic' }],
    ['alerts/<x>', '', { code: 'rule-template' }],
  ])('%s', (topic, payload, expected) => {
    expect(topicOf(topic, payload)).toEqual(expected);
  });
});
