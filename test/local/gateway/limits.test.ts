import { PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { describe, expect, test } from 'vitest';
import { createManualClock } from '../../../lib/local/clock.ts';
import { clientFrame, connectAs, start } from './harness.ts';
import { connectRaw } from './raw-client.ts';

const minuteMs = 60_000;

async function closeCode(client: Awaited<ReturnType<typeof connectRaw>>): Promise<number> {
  const frame = await client.nextFrame();
  expect(frame.opcode).toBe(8);
  return frame.payload.readUInt16BE(0);
}

describe('frames', () => {
  test.each([
    ['empty', Buffer.alloc(0)],
    ['small', Buffer.from('x')],
    ['large', Buffer.alloc(40_000)],
  ])('a binary frame that is %s closes with 1003, and nothing is invoked', async (_name, data) => {
    const service = await start();
    const { socket, closed, connectionId } = await connectAs(service);
    socket.send(data, { binary: true });
    expect((await closed).code).toBe(1003);
    const { event } = await service.called('$disconnect', connectionId);
    expect(event.requestContext.disconnectStatusCode).toBe(1003);
    expect(service.callsOf('$default')).toEqual([]);
    expect(service.gateway.connectionCount()).toBe(0);
  });

  test('a text frame of 32,768 bytes passes, one more byte closes with 1009', async () => {
    const service = await start({
      $default: ({ body = '' }) => ({ statusCode: 200, body: String(body.length) }),
    });
    const { socket, next, closed, connectionId } = await connectAs(service);
    socket.send('x'.repeat(32_768));
    expect((await next()).text).toBe('32768');
    socket.send('x'.repeat(32_769));
    expect((await closed).code).toBe(1009);
    const { event } = await service.called('$disconnect', connectionId);
    expect(event.requestContext.disconnectStatusCode).toBe(1009);
    expect(service.callsOf('$default')).toHaveLength(1);
  });

  test('bytes count, not characters', async () => {
    const service = await start();
    const { socket, closed } = await connectAs(service);
    socket.send('ü'.repeat(16_385));
    expect((await closed).code).toBe(1009);
  });

  test('a message of 131,072 bytes in four frames passes, one more byte closes with 1009', async () => {
    const service = await start({
      $default: ({ body = '' }) => ({ statusCode: 200, body: String(body.length) }),
    });
    const { socket, next, closed } = await connectAs(service);
    const send = (lengths: number[]) => {
      for (const [index, length] of lengths.entries()) {
        socket.send('x'.repeat(length), { fin: index === lengths.length - 1, binary: false });
      }
    };
    send([32_768, 32_768, 32_768, 32_768]);
    expect((await next()).text).toBe('131072');
    send([32_768, 32_768, 32_768, 32_768, 1]);
    expect((await closed).code).toBe(1009);
    expect(service.callsOf('$default')).toHaveLength(1);
  });

  test('a later fragment counts as well', async () => {
    const service = await start();
    const { socket, closed } = await connectAs(service);
    socket.send('x', { fin: false, binary: false });
    socket.send('x'.repeat(32_769), { binary: false });
    expect((await closed).code).toBe(1009);
  });

  test('the length alone decides: 1009 comes before the payload does', async () => {
    const service = await start();
    const client = await connectRaw(service.gateway);
    client.socket.write(clientFrame(1, '', { lengthBytes: 32_769 }));
    expect(await closeCode(client)).toBe(1009);
    const huge = await connectRaw(service.gateway);
    huge.socket.write(clientFrame(1, '', { lengthBytes: 2 ** 40 }));
    expect(await closeCode(huge)).toBe(1009);
  });

  test('messages ahead of a bad frame in the same segment are served', async () => {
    const service = await start({ $default: ({ body = '' }) => ({ statusCode: 200, body }) });
    const client = await connectRaw(service.gateway);
    client.socket.write(Buffer.concat([clientFrame(1, 'one'), clientFrame(1, 'two'), clientFrame(2, 'bad')]));
    expect(await closeCode(client)).toBe(1003);
    expect(service.callsOf('$default').map(({ event }) => event.body)).toEqual(['one', 'two']);
  });

  test('text that is not UTF-8 closes with 1007, an unmasked frame with 1002', async () => {
    const service = await start();
    const invalid = await connectRaw(service.gateway);
    invalid.socket.write(clientFrame(1, Buffer.from([0xc3, 0x28])));
    expect(await closeCode(invalid)).toBe(1007);
    const unmasked = await connectRaw(service.gateway);
    unmasked.socket.write(Buffer.from([0x81, 0x01, 0x78]));
    expect(await closeCode(unmasked)).toBe(1002);
    expect(service.callsOf('$default')).toEqual([]);
  });
});

describe('idle timeout and lifetime', () => {
  test('10 minutes of silence close with 1001 "Going away"', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    const { closed, connectionId } = await connectAs(service);
    await clock.advance(10 * minuteMs - 1);
    expect(service.gateway.connectionCount()).toBe(1);
    await clock.advance(1);
    expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
    const { event } = await service.called('$disconnect', connectionId);
    expect(event.requestContext).toMatchObject({
      disconnectStatusCode: 1001,
      disconnectReason: 'Going away',
    });
    expect(service.gateway.connectionCount()).toBe(0);
  });

  test('a message of the client restarts the 10 minutes', async () => {
    const clock = createManualClock();
    const service = await start({ $default: () => ({ statusCode: 200, body: '.' }) }, { clock });
    const { socket, next, closed } = await connectAs(service);
    await clock.advance(9 * minuteMs);
    socket.send('.');
    await next();
    await clock.advance(9 * minuteMs);
    expect(service.gateway.connectionCount()).toBe(1);
    await clock.advance(minuteMs);
    expect((await closed).code).toBe(1001);
  });

  test('a ping is answered and does not count', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    const { socket, closed } = await connectAs(service);
    await clock.advance(9 * minuteMs);
    const pong = new Promise((resolve) => socket.once('pong', resolve));
    socket.ping();
    await pong;
    await clock.advance(minuteMs);
    expect((await closed).code).toBe(1001);
  });

  test('posts alone keep a connection open, up to the limit of 2 hours', async () => {
    const clock = createManualClock();
    const service = await start({}, { clock });
    const { closed, connectionId } = await connectAs(service);
    for (let count = 1; count < 15; count++) {
      await clock.advance(8 * minuteMs);
      await service.client.send(new PostToConnectionCommand({ ConnectionId: connectionId, Data: '.' }));
    }
    await clock.advance(8 * minuteMs - 1);
    expect(service.gateway.connectionCount()).toBe(1);
    await clock.advance(1);
    expect(await closed).toEqual({ code: 1001, reason: 'Going away' });
    expect(service.gateway.meters.connectionMinutes).toBe(120);
  });
});
