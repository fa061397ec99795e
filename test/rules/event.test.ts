import { describe, expect, test } from 'vitest';
import { ruleEventOf } from '../../lib/rules/event.ts';
import { ruleLimits } from '../../lib/rules/limits.ts';
import { eventWith, recordWith } from './records.ts';

test('an event has what the message has', () => {
  const event = eventWith({
    payload: '{"total":120}',
    properties: {
      contentType: 'application/json',
      responseTopic: 'r',
      correlationData: Uint8Array.of(1, 2),
      payloadFormatIndicator: true,
      userProperties: [
        ['a', '1'],
        ['__proto__', 'p'],
        ['a', '2'],
        ['a', '3'],
      ],
    },
  });
  const { levels, time, properties, payload } = event;
  expect({ ...event, levels, time, properties, payload }).toEqual({
    id: 'm-1',
    tenant: 'acme',
    topic: 'orders/7/placed',
    levels: ['orders', '7', 'placed'],
    time: '2026-11-28T12:00:00.007Z',
    clientId: 'till-3',
    qos: 1,
    retain: false,
    properties: {
      contentType: 'application/json',
      responseTopic: 'r',
      correlationData: 'AQI=',
      payloadFormatIndicator: true,
      user: expect.objectContaining({ a: ['1', '2', '3'] }),
    },
    payload: { total: 120 },
  });
  expect(Object.entries(event.properties.user)).toContainEqual(['__proto__', 'p']);
});

test('a message that no client published has no client', () => {
  const { publisher: _, ...message } = recordWith({}).message;
  expect('clientId' in ruleEventOf({ ...recordWith({}), message })).toBe(false);
});

describe('a payload that is JSON', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  test.each([
    ['null', null],
    [' 7 ', 7],
    ['"x"', 'x'],
    ['false', false],
    ['\ufeff{}', {}],
    [nested(ruleLimits.maxJsonLevels), expect.anything()],
    [`"${'x'.repeat(ruleLimits.maxJsonPayloadBytes - 2)}"`, expect.any(String)],
  ])('%j', (payload, expected) => {
    expect(eventWith({ payload }).payload).toEqual(expected);
  });
});

describe('a payload that is not read as JSON', () => {
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  test.each<[string, string | Uint8Array]>([
    ['empty', ''],
    ['text', 'total 120'],
    ['almost', '{"total":120'],
    ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['bytes', Uint8Array.of(0, 1, 2)],
    ['too deep', nested(ruleLimits.maxJsonLevels + 1)],
    ['far too deep', nested(ruleLimits.maxJsonPayloadBytes / 2)],
    ['too large', `"${'x'.repeat(ruleLimits.maxJsonPayloadBytes - 1)}"`],
    ['1 MB', `"${'x'.repeat(1_048_576)}"`],
  ])('%s', (_, payload) => {
    expect(eventWith({ payload }).payload).toBeUndefined();
  });
});
