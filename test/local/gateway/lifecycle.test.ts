import { PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, test, vi } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { startGateway } from '../../../lib/local/gateway/index.ts';
import { connect, connectAs, gate, onCleanup, start } from './harness.ts';

test('tells its URLs', async () => {
  const { gateway } = await start({}, { stage: 'prod' });
  expect(gateway.port).toBeGreaterThan(0);
  expect(gateway.url).toBe(`ws://127.0.0.1:${gateway.port}/prod`);
  expect(gateway.callbackUrl).toBe(`http://127.0.0.1:${gateway.port}/prod`);
  await connect(gateway);
});

test('a port in use rejects with EADDRINUSE', async () => {
  const { gateway } = await start();
  const second = startGateway({
    port: gateway.port,
    stage: 'mqtt',
    invoke: async () => ({ statusCode: 200 }),
  });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('close says 1001 to every client, runs their $disconnect and frees the port', async () => {
  const service = await start();
  const clients = await Promise.all([connect(service.gateway), connect(service.gateway)]);
  await service.gateway.close();
  for (const { closed } of clients) expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
  expect(service.callsOf('$disconnect')).toHaveLength(2);
  const again = await startGateway({ port: service.gateway.port, stage: 'mqtt', invoke: async () => ({}) });
  onCleanup(() => again.close());
  expect(again.port).toBe(service.gateway.port);
});

test('close waits for running invocations, and @connections answers until then', async () => {
  const { opened, open } = gate();
  let status: unknown;
  const service = await start({
    $disconnect: async ({ requestContext: { connectionId } }) => {
      await opened;
      const command = new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'x' });
      status = await service.client.send(command).catch((error) => error.$metadata.httpStatusCode);
      return { statusCode: 200 };
    },
  });
  await connect(service.gateway);
  const closing = service.gateway.close();
  expect(service.gateway.close()).toBe(closing);
  await service.called('$disconnect');
  await expect(connect(service.gateway)).rejects.toThrow('503');
  open();
  await closing;
  expect(status).toBe(410);
});

test('meters count what is billed', async () => {
  const clock = createManualClock();
  const service = await start(
    {
      $connect: ({ headers }) => ({ statusCode: headers?.['X-Refuse'] ? 401 : 200 }),
      $default: ({ body = '' }) => (body === 'fail' ? undefined : { statusCode: 200, body: 'ok' }),
    },
    { clock },
  );
  const { socket, next, connectionId } = await connectAs(service);
  await expect(connect(service.gateway, { headers: { 'X-Refuse': '1' } })).rejects.toThrow('401');
  socket.send('x'.repeat(32_768));
  await next();
  socket.send('x'.repeat(20_000), { fin: false, binary: false });
  socket.send('x'.repeat(20_000), { binary: false });
  await next();
  socket.send('fail');
  await next();
  await service.client.send(
    new PostToConnectionCommand({ ConnectionId: connectionId, Data: 'y'.repeat(70_000) }),
  );
  await next();
  await clock.advance(90_000);
  const expected = {
    connects: 1,
    refusedConnects: 1,
    disconnects: 0,
    messagesIn: 3,
    messagesOut: 4,
    meteredMessagesIn: 4,
    meteredMessagesOut: 6,
    connectionMinutes: 2,
    invocations: { $connect: 2, $default: 3, $disconnect: 0 },
    billedMs: { $connect: 2, $default: 3, $disconnect: 0 },
    failedInvocations: 1,
    timedOutInvocations: 0,
    routeResponses: 3,
    posts: 1,
    refusedPosts: {},
  };
  expect(service.gateway.meters).toEqual(expected);
  await clock.advance(60_000);
  socket.close();
  await service.called('$disconnect');
  await service.gateway.close();
  expect(service.gateway.meters).toEqual({
    ...expected,
    disconnects: 1,
    connectionMinutes: 3,
    invocations: { $connect: 2, $default: 3, $disconnect: 1 },
    billedMs: { $connect: 2, $default: 3, $disconnect: 1 },
  });
});

describe('by hand', () => {
  test.each([
    ['32 KB', 'x'.repeat(32_768), 1, 1],
    ['a byte more', 'x'.repeat(32_769), 2, 2],
    ['16,384 letters of two bytes', 'é'.repeat(16_384), 1, 1],
    ['one letter of two bytes more', 'é'.repeat(16_385), 2, 2],
    ['128 KB', 'x'.repeat(131_072), 4, 4],
  ])('%s, in and out', async (_name, text, meteredIn, meteredOut) => {
    const service = await start({ $default: () => ({ statusCode: 200, body: 'ok' }) });
    const { socket, next, connectionId } = await connectAs(service);
    for (const piece of pieces(text)) socket.send(piece.text, { fin: piece.fin, binary: false });
    await next();
    const replied = service.gateway.meters;
    expect(replied).toMatchObject({ messagesIn: 1, meteredMessagesIn: meteredIn, meteredMessagesOut: 1 });
    await service.client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: text }));
    await next();
    expect(service.gateway.meters).toMatchObject({ messagesOut: 2, meteredMessagesOut: 1 + meteredOut });
  });

  test.each([
    [0, 1],
    [1, 1],
    [89, 89],
    [89.2, 90],
  ])(
    'a function that runs for %d ms is billed %d ms, whether it succeeds or throws',
    async (ranMs, billedMs) => {
      const clock = createManualClock();
      const gates = [gate(), gate()];
      let calls = 0;
      const service = await start(
        {
          $default: async () => {
            const number = calls++;
            await gates[number]?.opened;
            if (number === 1) throw new Error('at its end');
            return { statusCode: 200, body: 'ok' };
          },
        },
        { clock },
      );
      const { socket, next } = await connectAs(service);
      for (const { open } of gates) {
        const begun = service.callsOf('$default').length;
        socket.send('x');
        await vi.waitUntil(() => service.callsOf('$default').length > begun);
        await clock.advance(ranMs);
        open();
        await next();
      }
      expect(service.gateway.meters.billedMs.$default).toBe(2 * billedMs);
      expect(service.gateway.meters).toMatchObject({ failedInvocations: 1, invocations: { $default: 2 } });
    },
  );
});

/** A message in frames of 32 KB, cut by bytes. */
function pieces(text: string): { text: Buffer; fin: boolean }[] {
  const bytes = Buffer.from(text);
  const cut = [];
  for (let start = 0; start < bytes.length; start += 32_768)
    cut.push({ text: bytes.subarray(start, start + 32_768), fin: start + 32_768 >= bytes.length });
  return cut;
}

test('a connection that has ended leaves no timer and no state behind', async () => {
  const clock = createManualClock();
  let timers = 0;
  const counting = {
    now: clock.now,
    schedule(callback: () => void, delayMs: number) {
      timers++;
      let pending = true;
      const done = () => {
        if (pending) timers--;
        pending = false;
      };
      const cancel = clock.schedule(() => {
        done();
        callback();
      }, delayMs);
      return () => {
        done();
        cancel();
      };
    },
  };
  const service = await start({ $default: () => ({ statusCode: 200, body: 'ok' }) }, { clock: counting });
  for (let count = 0; count < 10; count++) {
    const { socket, next, connectionId } = await connectAs(service);
    socket.send('x');
    await next();
    socket.close();
    await service.called('$disconnect', connectionId);
  }
  await service.gateway.close();
  expect(service.gateway.connectionCount()).toBe(0);
  expect(timers).toBe(0);
});
