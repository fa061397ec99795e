import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { connect, connectAs, gate, refusal, start } from './harness.ts';
import { connectRaw, handshakeLines } from './raw-client.ts';

const idPattern = /^[A-Za-z0-9_-]{15}=$/;

describe('the $connect event', () => {
  test('has exactly the keys that AWS sends', async () => {
    const clock = createManualClock(Date.UTC(2024, 1, 19, 7, 11, 42, 789));
    const service = await start({}, { clock, apiId: 'nn27okk1we', region: 'eu-west-1' });
    await connect(service.gateway, { headers: { 'User-Agent': 'test/1.0', 'X-Tag': 'one' } });
    const { event } = await service.called('$connect');
    const { requestId, connectionId } = event.requestContext;
    expect(connectionId).toMatch(idPattern);
    expect(requestId).toMatch(idPattern);
    expect(requestId).not.toBe(connectionId);
    const headers = {
      Host: `127.0.0.1:${service.gateway.port}`,
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': expect.stringMatching(/==$/),
      'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
      'User-Agent': 'test/1.0',
      'X-Tag': 'one',
      'X-Amzn-Trace-Id': expect.stringMatching(/^Root=1-65d2ff2e-[0-9a-f]{24}$/),
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Port': String(service.gateway.port),
      'X-Forwarded-Proto': 'http',
    };
    expect(event).toStrictEqual({
      headers,
      multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      requestContext: {
        routeKey: '$connect',
        eventType: 'CONNECT',
        extendedRequestId: requestId,
        requestTime: '19/Feb/2024:07:11:42 +0000',
        messageDirection: 'IN',
        stage: 'mqtt',
        connectedAt: clock.now(),
        requestTimeEpoch: clock.now(),
        identity: { userAgent: 'test/1.0', sourceIp: '127.0.0.1' },
        requestId,
        domainName: 'nn27okk1we.execute-api.eu-west-1.amazonaws.com',
        connectionId,
        apiId: 'nn27okk1we',
      },
      isBase64Encoded: false,
    });
  });

  test('omits hop-by-hop headers, and userAgent if the client sent none', async () => {
    const service = await start();
    await connectRaw(service.gateway, [...handshakeLines, 'Content-Length: 0', 'X-Forwarded-For: 192.0.2.7']);
    const { event } = await service.called('$connect');
    const names = Object.keys(event.headers ?? {}).map((name) => name.toLowerCase());
    expect(names).not.toEqual(expect.arrayContaining(['connection']));
    expect(names).not.toEqual(expect.arrayContaining(['upgrade']));
    expect(names).not.toEqual(expect.arrayContaining(['content-length']));
    expect(event.headers?.['X-Forwarded-For']).toBe('192.0.2.7, 127.0.0.1');
    expect(event.requestContext.identity).toStrictEqual({ sourceIp: '127.0.0.1' });
  });

  test('carries the query decoded, the last value and all values', async () => {
    const service = await start();
    await connect(service.gateway, { path: '?token=a%2Fb&x=1&x=2&bare' });
    const { event } = await service.called('$connect');
    expect(event.queryStringParameters).toStrictEqual({ token: 'a/b', x: '2', bare: '' });
    expect(event.multiValueQueryStringParameters).toStrictEqual({
      token: ['a/b'],
      x: ['1', '2'],
      bare: [''],
    });
  });

  test('carries repeated headers under the first spelling, whatever their name', async () => {
    const service = await start();
    await connectRaw(service.gateway, [...handshakeLines, 'X-Many: 1', 'x-many: 2', '__proto__: 3']);
    const { event } = await service.called('$connect');
    expect(event.headers?.['X-Many']).toBe('2');
    expect(event.multiValueHeaders?.['X-Many']).toEqual(['1', '2']);
    expect(Object.entries(event.multiValueHeaders ?? {})).toContainEqual(['__proto__', ['3']]);
  });

  test('omits the query keys without a query', async () => {
    const service = await start();
    await connect(service.gateway, { path: '?' });
    expect(Object.keys((await service.called('$connect')).event)).toEqual([
      'headers',
      'multiValueHeaders',
      'requestContext',
      'isBase64Encoded',
    ]);
  });
});

describe('the upgrade', () => {
  test('waits until $connect has answered', async () => {
    const { opened, open } = gate();
    const service = await start({ $connect: () => opened.then(() => ({ statusCode: 200 })) });
    let connected = false;
    const client = connect(service.gateway).then((result) => {
      connected = true;
      return result;
    });
    await service.called('$connect');
    expect(connected).toBe(false);
    expect(service.gateway.connectionCount()).toBe(0);
    open();
    await client;
    expect(service.gateway.connectionCount()).toBe(1);
  });

  test('gives the function an id of its own and 29 s', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    await connect(service.gateway);
    const { context } = await service.called('$connect');
    expect(context.deadlineMs).toBe(clock.now() + 29_000);
    expect(context.requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  });

  test('echoes the subprotocol that the function returned', async () => {
    const service = await start({
      $connect: () => ({
        statusCode: 200,
        headers: { 'Sec-WebSocket-Protocol': 'wisp.b64.v1', 'X-Other': '1' },
      }),
    });
    const { socket } = await connect(service.gateway, { protocols: ['mqtt', 'wisp.b64.v1'] });
    expect(socket.protocol).toBe('wisp.b64.v1');
    const { head } = await connectRaw(service.gateway, [
      ...handshakeLines,
      'Sec-WebSocket-Protocol: wisp.b64.v1',
    ]);
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(head).toContain('\r\nSec-WebSocket-Protocol: wisp.b64.v1');
    expect(head).not.toContain('X-Other');
    expect((await service.called('$connect')).event.headers?.['Sec-WebSocket-Protocol']).toBe(
      'mqtt,wisp.b64.v1',
    );
  });

  test('names no subprotocol unless the function does, and the client then fails', async () => {
    const service = await start();
    await expect(connect(service.gateway, { protocols: ['mqtt'] })).rejects.toThrow('no subprotocol');
    const { head } = await connectRaw(service.gateway, [...handshakeLines, 'Sec-WebSocket-Protocol: mqtt']);
    expect(head).not.toMatch(/sec-websocket-protocol/i);
  });

  test('echoes a subprotocol even if the client did not offer it', async () => {
    const service = await start({
      $connect: () => ({ statusCode: 200, headers: { 'sec-websocket-protocol': 'other' } }),
    });
    await expect(connect(service.gateway, { protocols: ['mqtt'] })).rejects.toThrow('invalid subprotocol');
    await expect(connect(service.gateway)).rejects.toThrow('subprotocol');
  });

  test('does not negotiate compression', async () => {
    const service = await start();
    const { socket } = await connect(service.gateway, { perMessageDeflate: true });
    expect(socket.extensions).toBe('');
  });

  test.each([400, 401, 403, 404, 429, 500, 503])('passes status %i on', async (statusCode) => {
    const service = await start({ $connect: () => ({ statusCode, body: 'secret detail' }) });
    const { status, body } = await refusal(service.gateway);
    expect(status).toBe(statusCode);
    expect(body).not.toContain('secret');
    expect(service.gateway.connectionCount()).toBe(0);
    expect(service.callsOf('$disconnect')).toEqual([]);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('boom'))],
    [
      'throws at once',
      () => {
        throw new Error('boom');
      },
    ],
    ['returns nothing', () => undefined],
    ['returns null', () => null],
    ['returns a string', () => 'ok'],
    ['returns no status', () => ({ body: 'ok' })],
    ['returns a status that is no integer', () => ({ statusCode: '200' })],
    ['returns a status without meaning here', () => ({ statusCode: 302 })],
    ['returns a body that is no string', () => ({ statusCode: 200, body: {} })],
    [
      'returns a header that would split the response',
      () => ({ statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'a\r\nX-Evil: 1' } }),
    ],
  ])('answers 502 if the function %s', async (_name, $connect) => {
    const service = await start({ $connect });
    const { status, body, headers } = await refusal(service.gateway);
    expect(status).toBe(502);
    const { requestId, connectionId } = (await service.called('$connect')).event.requestContext;
    expect(body).toBe(
      `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
    expect(headers['x-amzn-requestid']).toBe(requestId);
  });

  test('answers 504 after 29 s and ignores the late result', async () => {
    const clock = createManualClock();
    const { opened, open } = gate();
    const service = await start({ $connect: () => opened.then(() => ({ statusCode: 200 })) }, { clock });
    const refused = refusal(service.gateway);
    await service.called('$connect');
    await clock.advance(29_000);
    expect((await refused).status).toBe(504);
    open();
    await service.gateway.close();
    expect(service.callsOf('$disconnect')).toEqual([]);
  });

  test.each(['/other', '/mqtt/', '/mqtt/x', '/', '/mqttx'])('answers 403 to the path %s', async (path) => {
    const service = await start();
    const base = service.gateway.url.replace('/mqtt', '');
    expect((await refusal({ ...service.gateway, url: base }, { path })).status).toBe(403);
    expect(service.calls).toEqual([]);
  });

  test('accepts a URL of 4096 bytes and refuses a longer one', async () => {
    const service = await start();
    const prefix = `wss://127.0.0.1:${service.gateway.port}/mqtt?t=`;
    const longest = 'x'.repeat(4096 - prefix.length);
    await connect(service.gateway, { path: `?t=${longest}` });
    expect((await refusal(service.gateway, { path: `?t=${longest}x` })).status).toBe(414);
    expect(service.callsOf('$connect')).toHaveLength(1);
  });

  test.each([
    ['no key', handshakeLines.slice(0, 3)],
    ['another version', handshakeLines.with(2, 'Sec-WebSocket-Version: 8')],
    ['another protocol', handshakeLines.with(1, 'Upgrade: h2c')],
    ['a malformed subprotocol', [...handshakeLines, 'Sec-WebSocket-Protocol: a,,b']],
    ['a repeated subprotocol', [...handshakeLines, 'Sec-WebSocket-Protocol: a, a']],
  ])('answers 400 to %s before any function runs', async (_name, lines) => {
    const service = await start();
    const { head } = await connectRaw(service.gateway, lines);
    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(service.calls).toEqual([]);
  });

  test('reports a client that left while $connect ran', async () => {
    const { opened, open } = gate();
    const service = await start({ $connect: () => opened.then(() => ({ statusCode: 200 })) });
    const client = connectRaw(service.gateway).catch(() => {});
    const { event } = await service.called('$connect');
    const closing = service.gateway.close();
    open();
    await Promise.all([closing, client]);
    const gone = await service.called('$disconnect', event.requestContext.connectionId);
    expect(gone.event.requestContext.disconnectStatusCode).toBe(1006);
    expect(service.gateway.connectionCount()).toBe(0);
  });

  test('gives every connection an id of its own', async () => {
    const service = await start();
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(service.gateway)));
    const ids = service.callsOf('$connect').map(({ event }) => event.requestContext.connectionId);
    expect(new Set(ids).size).toBe(clients.length);
    expect((await connectAs(service)).connectionId).toMatch(idPattern);
  });
});

test.each([
  ['an MQTT client over TCP', '101000044d5154540402003c000474657374', 'mqtt-at-gateway'],
  ['a client over TLS', '16030100c5010000c10303', 'tls-on-plain-port'],
])('%s gets 400, and the log says where it belongs', async (_, bytes, code) => {
  const { gateway, calls, lines } = await start();
  const socket = connectTcp(gateway.port, '127.0.0.1');
  socket.write(Buffer.from(bytes, 'hex'));
  const [answer] = await once(socket, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 400 /);
  await once(socket, 'close');
  expect(lines).toContainEqual({ event: 'otherProtocol', code });
  expect(calls).toEqual([]);
});
