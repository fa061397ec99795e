/**
 * The recipes of docs/rules.md: what a rule renders goes into the handlers of examples/, and to a
 * local receiver in place of Slack and InfluxDB.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderDelivery } from '../../lib/rules/envelope.ts';
import { ruleEventOf } from '../../lib/rules/event.ts';
import { createWebhookSecret } from '../../lib/rules/targets/signature.ts';
import { createWebhookTarget } from '../../lib/rules/targets/webhook.ts';
import { recordWith } from '../rules/records.ts';
import { ruleWith } from '../rules/targets/deliveries.ts';
import { lacks } from '../support/tools.ts';
import { type Postgres, startPostgres } from './postgres.ts';

type RuleSend = Parameters<typeof renderDelivery>[0];
type Given = Parameters<typeof recordWith>[0];
type Handler = (event: unknown) => Promise<void>;

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let url: string;
const received: Received[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    received.push({ method: request.method, url: request.url, headers: request.headers, body });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  received.length = 0;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** What a rule sends for a message. */
function rendered(send: RuleSend, given: Given) {
  const record = recordWith(given);
  const event = ruleEventOf(record);
  const delivery = renderDelivery(send, record, event);
  if ('code' in delivery) throw new Error(delivery.code);
  return { id: `${record.message.id}.${record.rule}`, record, event, ...delivery };
}

function envelope(given: Given): unknown {
  return JSON.parse(Buffer.from(rendered({ form: 'envelope' }, given).body).toString());
}

/** The examples read their settings when they are imported. */
async function importHandler(example: string, env: Readonly<Record<string, string>>): Promise<Handler> {
  Object.assign(process.env, env);
  const { handler } = await import(new URL(`../../examples/${example}/handler.mjs`, import.meta.url).href);
  return handler;
}

it('Slack gets the text of the template', async () => {
  const recipe = readFileSync('docs/rules.md', 'utf8').split('\n### Slack\n')[1]?.split('\n### ')[0] ?? '';
  const template = /--send '(.+)'\n/.exec(recipe)?.[1];
  if (template === undefined) throw new Error('docs/rules.md has no template for Slack');
  const target = createWebhookTarget({
    secrets: { read: async () => [createWebhookSecret()] },
    nowMs: () => Date.now(),
    allowPrivate: true,
  });
  const payload = JSON.stringify({ message: 'valve "3"\nis open' });
  const delivery = rendered({ form: 'template', template }, { topic: 'alarms/boiler', payload });
  const rule = ruleWith({ kind: 'webhook', url: `${url}/services/T0/B0/XXX` });
  expect(await target.deliver(rule, [delivery])).toEqual([{ kind: 'delivered' }]);
  expect(received).toMatchObject([
    { method: 'POST', url: '/services/T0/B0/XXX', headers: { 'content-type': 'application/json' } },
  ]);
  expect(JSON.parse(received[0]?.body ?? '')).toEqual({ text: 'alarms/boiler: valve "3"\nis open' });
});

describe('InfluxDB', () => {
  let handler: Handler;
  beforeAll(async () => {
    handler = await importHandler('rules-influxdb', {
      INFLUX_URL: url,
      INFLUX_ORG: 'my org',
      INFLUX_BUCKET: 'mqtt',
      INFLUX_TOKEN: 'secret',
    });
  });

  it('gets a point of each message, which a repetition writes again', async () => {
    const event = envelope({ topic: 'sensors/7', payload: '{"t": 21.5, "open": true}' });
    await handler(event);
    await handler(event);
    const point = {
      method: 'POST',
      url: '/api/v2/write?org=my+org&bucket=mqtt&precision=ms',
      headers: { authorization: 'Token secret', 'content-type': 'text/plain; charset=utf-8' },
      body: `mqtt,topic=sensors/7 t=21.5,open=true ${Date.UTC(2026, 10, 28, 12, 0, 0, 7)}`,
    };
    expect(received).toMatchObject([point, point]);
  });

  it.each([
    ['a number', '21.5', 'value=21.5'],
    ['text with quotes, backslashes and line ends', '{"a": "\\"1\\" \\\\ \\n2"}', 'a="\\"1\\" \\\\  2"'],
    ['names with spaces, commas and equals signs', '{"a b,c=d": 1}', 'a\\ b\\,c\\=d=1'],
    ['members that are no fields', '{"a": 1, "": 2, "b": null, "c": {"d": 1}}', 'a=1'],
  ])('gets %s as line protocol', async (_, payload, fields) => {
    await handler(envelope({ topic: 'a b,c=d', payload }));
    expect(received[0]?.body).toMatch(/^mqtt,topic=a\\ b\\,c\\=d /);
    expect(received[0]?.body.split(' ').slice(2, -1).join(' ')).toBe(fields);
  });

  it.each([
    ['not JSON', 'hello'],
    ['null', 'null'],
    ['an object without fields', '{}'],
  ])('gets nothing of a payload that is %s', async (_, payload) => {
    await handler(envelope({ payload }));
    expect(received).toEqual([]);
  });
});

describe.skipIf(lacks('postgres'))('PostgreSQL', () => {
  let postgres: Postgres;
  let handler: Handler;
  beforeAll(async () => {
    postgres = await startPostgres();
    postgres.query(readFileSync('examples/rules-postgres/schema.sql', 'utf8'));
    handler = await importHandler('rules-postgres', postgres.env);
  });
  afterAll(() => postgres?.stop());

  it('has one row of a message that comes twice', async () => {
    const event = envelope({ id: 'twice', topic: 'sensors/7', payload: '{"t": 21.5}' });
    await handler(event);
    await handler(event);
    const sql = `SELECT tenant, topic, client_id, payload->>'t', published_at = '2026-11-28T12:00:00.007Z'
      FROM messages WHERE id = 'twice'`;
    expect(postgres.query(sql)).toBe('acme|sensors/7|till-3|21.5|t');
  });

  it.each([
    ['text', 'hello', '"hello"'],
    ['no text', new Uint8Array([0xff]), '"/w=="'],
    ['empty', '', '""'],
    ['null', 'null', 'null'],
    ['JSON with U+0000', '{"a": "b\\u0000c"}', '{"a": "bc"}'],
    ['JSON with a backslash before u0000', '{"a": "\\\\u0000"}', '{"a": "\\\\u0000"}'],
    ['JSON with half of a surrogate pair', '{"a": "\\ud800"}', '{"a": "\ufffd"}'],
  ])('stores a payload that is %s', async (name, payload, stored) => {
    await handler(envelope({ id: name, payload }));
    expect(postgres.query(`SELECT payload FROM messages WHERE id = '${name}'`)).toBe(stored);
  });

  it('stores messages after the server has ended an idle connection', async () => {
    await handler(envelope({ id: 'before', payload: '1' }));
    const idle = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
    expect(postgres.query(`SELECT pg_terminate_backend(pid, 5000) ${idle}`)).toBe('t');
    const event = envelope({ id: 'after', payload: '1' });
    // The end may be read only now: then this attempt fails, and the next does not.
    await handler(event).catch(() => handler(event));
    expect(postgres.query("SELECT count(*) FROM messages WHERE id = 'after'")).toBe('1');
  });
});
