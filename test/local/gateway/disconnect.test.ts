import { expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { connectAs, gate, start } from './harness.ts';

test('the $disconnect event has exactly the headers and keys that AWS sends', async () => {
  const clock = createManualClock();
  const service = await start({}, { clock });
  const connectedAt = clock.now();
  const { socket, connectionId } = await connectAs(service, { headers: { 'User-Agent': 'u', 'X-Tag': '1' } });
  await clock.advance(5_000);
  socket.close(4001, 'bye');
  const { event } = await service.called('$disconnect');
  const { requestId } = event.requestContext;
  const domainName = 'local00000.execute-api.us-east-1.amazonaws.com';
  expect(event).toStrictEqual({
    headers: { Host: domainName, 'x-api-key': '', 'X-Forwarded-For': '', 'x-restapi': '' },
    multiValueHeaders: { Host: [domainName], 'x-api-key': [''], 'X-Forwarded-For': [''], 'x-restapi': [''] },
    requestContext: {
      routeKey: '$disconnect',
      disconnectStatusCode: 4001,
      eventType: 'DISCONNECT',
      extendedRequestId: requestId,
      requestTime: '01/Jan/2026:00:00:05 +0000',
      messageDirection: 'IN',
      disconnectReason: 'bye',
      stage: 'mqtt',
      connectedAt,
      requestTimeEpoch: clock.now(),
      identity: { userAgent: 'u', sourceIp: '127.0.0.1' },
      requestId: expect.stringMatching(/^[A-Za-z0-9_-]{15}=$/),
      domainName,
      connectionId,
      apiId: 'local00000',
    },
    isBase64Encoded: false,
  });
});

test.each([
  ['without a code', undefined, 1005, 'Client-side close frame status not set'],
  ['as a closed page does', 1001, 1001, ''],
  ['normally', 1000, 1000, 'done'],
] as const)('a client that closes %s is reported so', async (_name, sent, code, reason) => {
  const service = await start();
  const { socket, closed } = await connectAs(service);
  socket.close(sent, sent && reason);
  await closed;
  const { requestContext } = (await service.called('$disconnect')).event;
  expect(requestContext).toMatchObject({ disconnectStatusCode: code, disconnectReason: reason });
});

test('a lost network is reported as 1006', async () => {
  const service = await start();
  const { socket } = await connectAs(service);
  socket.terminate();
  const { requestContext } = (await service.called('$disconnect')).event;
  expect(requestContext.disconnectStatusCode).toBe(1006);
  expect(service.gateway.connectionCount()).toBe(0);
});

test('$disconnect runs concurrently with messages of the connection, whose replies are dropped', async () => {
  const { opened, open } = gate();
  const service = await start({ $default: () => opened.then(() => ({ statusCode: 200, body: 'late' })) });
  const { socket, closed, received } = await connectAs(service);
  socket.send('x');
  await service.called('$default');
  socket.close(1000);
  await service.called('$disconnect');
  open();
  await closed;
  await service.gateway.close();
  expect(received).toEqual([]);
  expect(service.gateway.meters.routeResponses).toBe(0);
});

test('a $disconnect that fails is not retried and affects no other connection', async () => {
  const service = await start({
    $disconnect: () => Promise.reject(new Error('boom')),
    $default: () => ({ statusCode: 200, body: 'alive' }),
  });
  const leaving = await connectAs(service);
  const staying = await connectAs(service);
  leaving.socket.close();
  await service.called('$disconnect');
  staying.socket.send('?');
  expect((await staying.next()).text).toBe('alive');
  expect(service.callsOf('$disconnect')).toHaveLength(1);
});
