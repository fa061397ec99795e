import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import type { Listeners } from '../../lib/listeners/options.ts';
import {
  cleanUps,
  closeOf,
  connectedWebSocket,
  connectPacket,
  drip,
  endless,
  readToEnd,
  startListening,
  webSocketTo,
} from './listening.ts';

function rawTo({ wsPort = 0 }: Listeners) {
  const socket = connect(wsPort, '127.0.0.1');
  socket.on('error', () => {});
  cleanUps.push(() => socket.destroy());
  return socket;
}

const request = 'GET /mqtt HTTP/1.1\r\nHost: x\r\n\r\n';
const statusesIn = (text: Buffer) =>
  [...text.toString('latin1').matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);

describe('the port for WebSockets', () => {
  it('serves one request for each connection', async () => {
    const { listeners, admitted } = await startListening({ wsPort: 0 });
    const socket = rawTo(listeners);
    for (let i = 0; i < 10_000; i += 1) socket.write(request);
    const statuses = statusesIn(await readToEnd(socket));
    expect(statuses.filter((status) => status === '426').length).toBeLessThanOrEqual(1);
    expect(admitted.count).toBe(0);
  });

  it('reads no body', async () => {
    const { listeners } = await startListening({ wsPort: 0 });
    const socket = rawTo(listeners);
    socket.write('POST /mqtt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n');
    const ended = readToEnd(socket);
    const sent = await drip(socket, endless(0x61));
    expect(statusesIn(await ended)).toEqual(['426']);
    expect(sent).toBeLessThan(1_000_000);
  });

  it('refuses headers over 16 KiB', async () => {
    const { listeners, logged } = await startListening({ wsPort: 0 });
    const socket = rawTo(listeners);
    const ended = readToEnd(socket);
    socket.write(`GET /mqtt?token=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(statusesIn(await ended)).toEqual(['431']);
    expect(logged('handshake-refused')).toMatchObject([{ code: 431 }]);
  });

  it.each(['', request.slice(0, -2), 'X-'])('gives a request %j a time, dripping or not', async (begun) => {
    const { listeners, logged } = await startListening({ wsPort: 0, connectTimeoutMs: 100 });
    const [still, dripping] = [rawTo(listeners), rawTo(listeners)];
    still.write(begun);
    dripping.write(`${begun === '' ? 'GET / HTTP/1.1\r\nX: ' : begun}`);
    const ended = Promise.all([readToEnd(still), readToEnd(dripping)]);
    await drip(dripping, endless(0x61));
    await ended;
    expect(logged('handshake-refused').length).toBeGreaterThan(0);
  });

  it('is no port for other protocols', async () => {
    const { listeners, logged } = await startListening({ wsPort: 0 });
    const socket = rawTo(listeners);
    const ended = readToEnd(socket);
    socket.write(connectPacket);
    expect(statusesIn(await ended)).toEqual(['400']);
    expect(logged('handshake-refused')).toMatchObject([{ code: 400 }]);
  });

  it.each([[[]], [['graphql-ws']]])('refuses subprotocols %j', async (protocols) => {
    const { listeners, admitted } = await startListening({ wsPort: 0 });
    const [, response] = await once(webSocketTo(listeners, protocols), 'unexpected-response');
    expect(response.statusCode).toBe(400);
    expect(admitted.count).toBe(0);
  });

  it('closes a client that sends text with 1003, and reads no more of it', async () => {
    const { listeners, sessions, logged } = await startListening({ wsPort: 0 });
    const socket = await connectedWebSocket(listeners);
    const closed = closeOf(socket);
    for (let i = 0; i < 1_000; i += 1) {
      socket.send('text');
      socket.send(connectPacket);
    }
    expect(await closed).toBe(1003);
    expect(logged('text-frame')).toHaveLength(1);
    expect(sessions[0]?.received).toBe(connectPacket.length);
  });
});
