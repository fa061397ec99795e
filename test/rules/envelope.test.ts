import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import type { RuleRecord, RuleSend } from '../../lib/core/rules.ts';
import { renderDelivery } from '../../lib/rules/envelope.ts';
import { ruleEventOf } from '../../lib/rules/event.ts';
import { recordWith } from './records.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../docs/rules-envelope.schema.json', import.meta.url), 'utf8'),
);
const fitsSchema = new Ajv2020({ strict: false }).compile(schema);

function sent(send: RuleSend, record: RuleRecord) {
  const delivery = renderDelivery(send, record, ruleEventOf(record));
  if ('code' in delivery) throw new Error(delivery.code);
  return { text: new TextDecoder().decode(delivery.body), ...delivery };
}

function envelopeText(record: RuleRecord): string {
  const { text, contentType } = sent({ form: 'envelope' }, record);
  expect(contentType).toBe('application/json');
  expect([fitsSchema(JSON.parse(text)), fitsSchema.errors]).toEqual([true, null]);
  return text;
}

describe('an envelope', () => {
  test('describes the message and holds its payload', () => {
    expect(JSON.parse(envelopeText(recordWith({ payload: '{"total":120}' })))).toEqual({
      version: 1,
      id: 'm-1',
      tenant: 'acme',
      topic: 'orders/7/placed',
      time: '2026-11-28T12:00:00.007Z',
      clientId: 'till-3',
      qos: 1,
      retain: false,
      properties: { user: {} },
      payload: { total: 120 },
    });
  });

  test.each([
    ['numbers keep their digits', '{"n":12345678901234567890,"f":1.50}'],
    ['null', 'null'],
    ['a text', '"x"'],
  ])('JSON stands in it as it was published: %s', (_, payload) => {
    expect(envelopeText(recordWith({ payload }))).toContain(`"payload":${payload}}`);
  });

  test('space and a byte order mark around JSON are left out', () => {
    expect(envelopeText(recordWith({ payload: '\ufeff {} \n' }))).toContain('"payload":{}}');
  });

  test.each<[string, string | Uint8Array, object]>([
    ['text', 'hot', { payloadText: 'hot' }],
    ['nothing', '', { payloadText: '' }],
    ['bytes', Uint8Array.of(0xff, 0), { payloadBase64: '/wA=' }],
    ['JSON that is too large to be read', `"${'x'.repeat(65_536)}"`, { payloadText: expect.any(String) }],
    [
      'JSON that is too deep to be read',
      '['.repeat(33) + ']'.repeat(33),
      { payloadText: expect.any(String) },
    ],
  ])('%s', (_, payload, expected) => {
    const envelope = JSON.parse(envelopeText(recordWith({ payload })));
    expect(envelope).toMatchObject(expected);
    expect(envelope).not.toHaveProperty('payload');
  });

  test('holds the properties of MQTT 5.0, whatever clients call them', () => {
    const text = envelopeText(
      recordWith({
        properties: {
          contentType: 'x"y',
          responseTopic: 'r',
          correlationData: Uint8Array.of(9),
          payloadFormatIndicator: false,
          userProperties: [
            ['__proto__', 'p'],
            ['k', '1'],
            ['k', '2'],
          ],
        },
      }),
    );
    expect(text).toContain(
      '"properties":{"contentType":"x\\"y","responseTopic":"r","correlationData":"CQ==","payloadFormatIndicator":false,"user":{"__proto__":"p","k":["1","2"]}}',
    );
  });

  test('of a message that no client published names none', () => {
    const record = recordWith({});
    const { publisher: _, ...message } = record.message;
    expect(JSON.parse(envelopeText({ ...record, message }))).not.toHaveProperty('clientId');
  });
});

test('the schema refuses an envelope without a payload, or with two', () => {
  const envelope = JSON.parse(envelopeText(recordWith({ payload: '1' })));
  const { payload: _, ...without } = envelope;
  expect(fitsSchema(without)).toBe(false);
  expect(fitsSchema({ ...envelope, payloadText: '1' })).toBe(false);
  expect(fitsSchema({ ...envelope, later: true })).toBe(true);
});

describe('the payload itself', () => {
  test.each<[string, string | Uint8Array, object, string]>([
    [
      'the Content Type of the message',
      'a',
      { contentType: 'text/csv; charset=utf-8' },
      'text/csv; charset=utf-8',
    ],
    ['a Content Type that is no header', '{}', { contentType: 'a/b\r\nx: y' }, 'application/json'],
    ['a Content Type that is no media type', 'a', { contentType: 'order' }, 'application/octet-stream'],
    ['JSON', ' {"a":1}', {}, 'application/json'],
    ['text', 'a', { payloadFormatIndicator: true }, 'text/plain; charset=utf-8'],
    ['bytes', Uint8Array.of(255), {}, 'application/octet-stream'],
  ])('%s', (_, payload, properties, contentType) => {
    const record = recordWith({ payload, properties });
    const delivery = sent({ form: 'payload' }, record);
    expect(delivery.contentType).toBe(contentType);
    expect(delivery.body).toEqual(record.message.payload);
  });
});

test('the result of a template has the media type of its form', () => {
  const record = recordWith({ payload: '1' });
  expect(sent({ form: 'template', template: ' ["<$.topic>"]' }, record)).toMatchObject({
    contentType: 'application/json',
    text: '["orders/7/placed"]',
  });
  expect(sent({ form: 'template', template: 'at <$.topic>' }, record)).toMatchObject({
    contentType: 'text/plain; charset=utf-8',
    text: 'at orders/7/placed',
  });
});

test('the columns of the table of Athena in docs/rules.md are members of the envelope', () => {
  const page = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8');
  const [, columns = ''] = /CREATE EXTERNAL TABLE messages \(([^)]+)\)/.exec(page) ?? [];
  const found = columns.split(',').map((column) => column.trim().replaceAll('`', '').split(' '));
  const members = Object.keys(schema.properties).filter((name) => !['version', 'properties'].includes(name));
  expect(found.map(([name]) => name).toSorted()).toEqual(members.toSorted());
  const types = { qos: 'int', retain: 'boolean' } as Readonly<Record<string, string>>;
  for (const [name = '', type] of found) expect([name, type]).toEqual([name, types[name] ?? 'string']);
});
