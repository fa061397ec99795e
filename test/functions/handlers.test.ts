import { afterEach, expect, test, vi } from 'vitest';
import { createConnectHandler } from '../../functions/connect.ts';
import { createDisconnectHandler } from '../../functions/disconnect.ts';
import { createMessageHandler } from '../../functions/message.ts';
import { EventShapeError } from '../../lib/aws/events.ts';
import type { Broker } from '../../lib/broker/broker.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { silentLog } from '../support/silent-log.ts';

let running: TestService | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const connectionId = 'L0SM9cOFvHcCIhw=';
const event = (more: object = {}) => ({ requestContext: { connectionId }, ...more });
const offering = (protocols: string, more: object = {}) =>
  event({ headers: { 'Sec-WebSocket-Protocol': protocols, ...more } });

/** A broker that records its calls. */
function remembering(changes: Partial<Broker> = {}) {
  const asked: unknown[][] = [];
  let flushed = 0;
  const broker: Broker = {
    handshake: async (...parameters) => {
      asked.push(parameters);
      return 200;
    },
    message: async (...parameters) => {
      asked.push(parameters);
      return '.';
    },
    oneWay: async (...parameters) => {
      asked.push(['oneWay', ...parameters]);
    },
    packets: async () => [],
    flush: async () => {},
    disconnected: async (...parameters) => {
      asked.push(parameters);
    },
    shutDown: async () => {},
    doorClosed: async () => {},
    timers: async () => [],
    slices: async () => 'done',
    ...changes,
  };
  const logged: unknown[] = [];
  const log = {
    ...silentLog,
    info: (_message: string, fields?: object) => void logged.push(fields),
    countRefusal: (code: string) => void refused.push(code),
  };
  const refused: string[] = [];
  const context = { log, clock: { nowMs: Date.now }, settings: defaultSettings };
  const flush = async () => {
    flushed += 1;
  };
  return { asked, flushed: () => flushed, logged, refused, service: () => ({ broker, log, context, flush }) };
}

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['mqtt', 'mqtt'],
  ['one that only begins like it', 'wisp.b64.v10'],
  ['another case', 'WISP.B64.V1'],
])('$connect refuses a client that offers not the wire profile but %s', async (_, protocols) => {
  const { asked, logged, refused, flushed, service } = remembering();
  const answer = await createConnectHandler(service)(protocols === undefined ? event() : offering(protocols));
  expect(answer).toEqual({ statusCode: 400 });
  expect(refused).toEqual(['profile-not-offered']);
  expect(asked).toEqual([]);
  expect(logged).toEqual([
    {
      code: 'profile-not-offered',
      what: 'handshake',
      reason: expect.stringMatching(/wisp-mqtt-client.*wisp bridge/),
      connection: connectionId,
    },
  ]);
  expect(flushed()).toBe(1);
});

test.each(['wisp.b64.v1', 'mqtt, wisp.b64.v1', 'wisp.b64.v1,mqtt', ' wisp.b64.v1 '])(
  '$connect chooses the wire profile among %s',
  async (protocols) => {
    const { service } = remembering();
    expect(await createConnectHandler(service)(offering(protocols))).toEqual({
      statusCode: 200,
      headers: { 'Sec-WebSocket-Protocol': 'wisp.b64.v1' },
    });
  },
);

test.each([
  ['no token', {}, {}, [undefined, undefined]],
  ['a bearer token', { Authorization: 'Bearer abc' }, {}, ['abc', undefined]],
  ['one in another case', { authorization: 'bearer  abc' }, {}, ['abc', undefined]],
  ['one in the query', {}, { token: 'q', tenant: 'acme' }, ['q', 'acme']],
  ['both: the header', { Authorization: 'Bearer h' }, { token: 'q' }, ['h', undefined]],
  ['another scheme', { Authorization: 'Basic abc' }, {}, [undefined, undefined]],
  ['a token of two words', { Authorization: 'Bearer a b' }, {}, [undefined, undefined]],
])('$connect with %s', async (_, headers, query, [token, tenant]) => {
  const { asked, service } = remembering();
  await createConnectHandler(service)({ ...offering('wisp.b64.v1', headers), queryStringParameters: query });
  expect(asked).toEqual([[connectionId, token, tenant]]);
});

test('$connect refuses an invalid token, without selecting a subprotocol', async () => {
  const { service } = remembering({ handshake: async () => 401 });
  expect(await createConnectHandler(service)(offering('wisp.b64.v1'))).toEqual({ statusCode: 401 });
});

test('$connect over a real service: 401 for forged and expired tokens, 200 for good ones', async () => {
  running = await startTestService();
  const mint = await running.tenant('acme');
  const other = await running.tenant('other');
  const connect = createConnectHandler(() => running?.service ?? expect.fail());
  const asking = (token: string, tenant = 'acme') =>
    connect({ ...offering('wisp.b64.v1'), queryStringParameters: { token, tenant } });
  expect(await asking(await mint())).toMatchObject({ statusCode: 200 });
  expect(await asking(await mint({ exp: 1 }))).toEqual({ statusCode: 401 });
  expect(await asking(await other())).toEqual({ statusCode: 401 });
  expect(await asking('not.a.token')).toEqual({ statusCode: 401 });
  const token = await mint({ exp: 1 });
  expect(running.logged.join('\n')).not.toContain(token.split('.')[2]);
});

test('$default answers with the text of the broker', async () => {
  const { asked, service } = remembering();
  expect(await createMessageHandler(service)(event({ body: 'QUJD' }))).toEqual({
    statusCode: 200,
    body: '.',
  });
  expect(await createMessageHandler(service)(event())).toEqual({ statusCode: 200, body: '.' });
  expect(asked).toEqual([
    [connectionId, 'QUJD'],
    [connectionId, ''],
  ]);
});

test('oneway answers nothing', async () => {
  const { asked, flushed, service } = remembering();
  const requestContext = { connectionId, routeKey: 'oneway' };
  expect(await createMessageHandler(service)({ requestContext, body: '{}' })).toEqual({ statusCode: 200 });
  expect(asked).toEqual([['oneWay', connectionId, '{}']]);
  expect(flushed()).toBe(1);
});

test('$disconnect calls the broker', async () => {
  const { asked, service } = remembering();
  expect(await createDisconnectHandler(service)(event())).toEqual({ statusCode: 200 });
  expect(asked).toEqual([[connectionId]]);
});

test('an error of the broker fails the invocation, and counters are written', async () => {
  const broken = async () => {
    throw new Error('no');
  };
  const { flushed, service } = remembering({ handshake: broken, message: broken, disconnected: broken });
  await expect(createConnectHandler(service)(offering('wisp.b64.v1'))).rejects.toThrow('no');
  await expect(createMessageHandler(service)(event({ body: '.' }))).rejects.toThrow('no');
  await expect(createDisconnectHandler(service)(event())).rejects.toThrow('no');
  expect(flushed()).toBe(3);
});

test.each([undefined, null, 'x', {}, { requestContext: {} }, { Records: [] }])(
  'an event of another shape fails the invocation: %j',
  async (wrong) => {
    const { asked, service } = remembering();
    for (const handler of [
      createConnectHandler(service),
      createMessageHandler(service),
      createDisconnectHandler(service),
    ])
      await expect(handler(wrong)).rejects.toThrow(EventShapeError);
    expect(asked).toEqual([]);
  },
);

test('the deployed entry points read their environment at the first event and name what is missing', async () => {
  vi.stubEnv('TIMER_QUEUE_URL', undefined);
  const { handler } = await import('../../functions/message.ts');
  await expect(handler(event({ body: '.' }))).rejects.toThrow('TIMER_QUEUE_URL is not set');
  vi.unstubAllEnvs();
});
