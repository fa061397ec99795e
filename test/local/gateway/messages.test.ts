import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { connectAs, gate, start } from './harness.ts';

const echo = ({ body = '' }) => ({ statusCode: 200, body: `echo ${body}` });

describe('the MESSAGE event', () => {
  test('has only requestContext, body and isBase64Encoded', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    const connectedAt = clock.now();
    const { socket, connectionId } = await connectAs(service, { headers: { 'User-Agent': 'u' } });
    await clock.advance(1_234);
    socket.send('grüße');
    const { event } = await service.called('$default');
    const { requestId, messageId } = event.requestContext;
    expect(event).toStrictEqual({
      requestContext: {
        routeKey: '$default',
        messageId: expect.stringMatching(/^[A-Za-z0-9_-]{15}=$/),
        eventType: 'MESSAGE',
        extendedRequestId: requestId,
        requestTime: '01/Jan/2026:00:00:01 +0000',
        messageDirection: 'IN',
        stage: 'mqtt',
        connectedAt,
        requestTimeEpoch: clock.now(),
        identity: { userAgent: 'u', sourceIp: '127.0.0.1' },
        requestId: expect.stringMatching(/^[A-Za-z0-9_-]{15}=$/),
        domainName: 'local00000.execute-api.us-east-1.amazonaws.com',
        connectionId,
        apiId: 'local00000',
      },
      body: 'grüße',
      isBase64Encoded: false,
    });
    expect(messageId).not.toBe(requestId);
  });

  test('is sent for empty messages and JSON too if the API has no custom routes', async () => {
    const service = await start({ $default: echo });
    const { socket, next } = await connectAs(service);
    socket.send('');
    expect((await next()).text).toBe('echo ');
    socket.send('{"action":"$disconnect"}');
    expect((await next()).text).toBe('echo {"action":"$disconnect"}');
  });
});

describe('the route response', () => {
  test('is the body as one text frame', async () => {
    const service = await start({ $default: echo });
    const { socket, next } = await connectAs(service);
    socket.send('hello');
    expect(await next()).toEqual({ text: 'echo hello', isBinary: false });
  });

  test.each([
    ['no body', { statusCode: 200 }],
    ['an empty body', { statusCode: 200, body: '' }],
    ['a null body', { statusCode: 200, body: null }],
    ['a body with status 400', { statusCode: 400, body: 'refused' }],
    ['a body with status 500', { statusCode: 500, body: 'refused' }],
  ])('is not sent for %s', async (_name, result) => {
    const service = await start({ $default: (event) => (event.body === 'last' ? echo(event) : result) });
    const { socket, next, received } = await connectAs(service);
    socket.send('first');
    await service.called('$default');
    socket.send('last');
    expect((await next()).text).toBe('echo last');
    expect(received).toHaveLength(1);
  });

  test.each([
    ['throws', () => Promise.reject(new Error('secret detail'))],
    ['returns nothing', () => undefined],
    ['returns no status', () => ({ body: 'x' })],
    ['returns a body that is no string', () => ({ statusCode: 200, body: 1 })],
    ['returns a body over 32 KB', () => ({ statusCode: 200, body: 'x'.repeat(32_769) })],
  ])('is the error frame if the function %s, and the connection stays open', async (_name, fail) => {
    const service = await start({ $default: (event) => (event.body === 'fail' ? fail() : echo(event)) });
    const { socket, next, connectionId } = await connectAs(service);
    socket.send('fail');
    const { requestId } = (await service.called('$default')).event.requestContext;
    expect(await next()).toEqual({
      text: `{"message": "Internal server error", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
      isBinary: false,
    });
    socket.send('again');
    expect((await next()).text).toBe('echo again');
  });

  test('may be 32 KB long', async () => {
    const service = await start({ $default: () => ({ statusCode: 200, body: 'x'.repeat(32_768) }) });
    const { socket, next } = await connectAs(service);
    socket.send('.');
    expect((await next()).text).toHaveLength(32_768);
  });

  test('is the timeout frame after 29 s of the clock; a late result is not sent', async () => {
    const clock = createManualClock();
    const { opened, open } = gate();
    const service = await start(
      { $default: (event) => (event.body === 'slow' ? opened.then(() => echo(event)) : echo(event)) },
      { clock },
    );
    const { socket, next, received, connectionId } = await connectAs(service);
    socket.send('slow');
    const { event, context } = await service.called('$default');
    expect(context.deadlineMs).toBe(clock.now() + 29_000);
    await clock.advance(28_999);
    expect(received).toEqual([]);
    await clock.advance(1);
    const { requestId } = event.requestContext;
    expect((await next()).text).toBe(
      `{"message": "Endpoint request timed out", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
    open();
    socket.send('quick');
    expect((await next()).text).toBe('echo quick');
    expect(received).toHaveLength(2);
    expect(service.gateway.meters).toMatchObject({ timedOutInvocations: 1, routeResponses: 2 });
  });
});

test('messages of one connection run concurrently and finish in any order', async () => {
  const gates = new Map<string, ReturnType<typeof gate<void>>>(['a', 'b', 'c'].map((name) => [name, gate()]));
  const all = gate();
  let running = 0;
  const service = await start({
    $default: async (event) => {
      if (++running === gates.size) all.open();
      await gates.get(event.body ?? '')?.opened;
      return echo(event);
    },
  });
  const { socket, next } = await connectAs(service);
  for (const name of gates.keys()) socket.send(name);
  await all.opened;
  for (const name of ['c', 'a', 'b']) {
    gates.get(name)?.open();
    expect((await next()).text).toBe(`echo ${name}`);
  }
});

test('a flooding client is not read beyond 1,000 concurrent invocations, and all its messages are served', async () => {
  const messages = 2_000;
  const { opened, open } = gate();
  const done = gate();
  let running = 0;
  let most = 0;
  let served = 0;
  const service = await start({
    $default: async () => {
      most = Math.max(most, ++running);
      if (running === 1_000) {
        // Time for the rest to arrive if the gateway still read it.
        for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
        open();
      }
      await opened;
      running--;
      if (++served === messages) done.open();
      return { statusCode: 200 };
    },
  });
  const { socket } = await connectAs(service);
  const body = 'x'.repeat(8_192);
  for (let count = 0; count < messages; count++) socket.send(body);
  await done.opened;
  // One read of the socket (64 KB) may contain more messages.
  expect(most).toBeLessThan(1_020);
});

test('failures are logged without body or token', async () => {
  const service = await start({ $default: () => Promise.reject(new TypeError('broken')) });
  const { socket, next } = await connectAs(service, {
    path: '?token=t0ken',
    headers: { Authorization: 's3cret' },
  });
  socket.send('payl0ad');
  await next();
  expect(service.lines).toContainEqual(
    expect.objectContaining({ event: 'invocationFailed', errorType: 'TypeError', errorMessage: 'broken' }),
  );
  expect(JSON.stringify(service.lines)).not.toMatch(/payl0ad|t0ken|s3cret/);
});
