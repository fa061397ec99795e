import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { OpenConnections, sourceOf } from '../../lib/listeners/open-connections.ts';
import { connectedTcp, connectPacket, readToEnd, startListening, tcpTo, webSocketTo } from './listening.ts';

/** CONNACK with "quota exceeded". */
const refused = Buffer.from('2003009700', 'hex');

describe('connections from one address', () => {
  it('above the bound are told so after CONNECT, and reach nothing behind the listener', async () => {
    const { listeners, admitted, logged } = await startListening({
      mqttPort: 0,
      wsPort: 0,
      maxConnectionsPerAddress: 2,
    });
    const kept = [await connectedTcp(listeners), await connectedTcp(listeners)];
    const third = tcpTo(listeners);
    third.write(connectPacket);
    expect(await readToEnd(third)).toEqual(refused);
    const [, response] = await once(webSocketTo(listeners), 'unexpected-response');
    expect(response.statusCode).toBe(503);
    expect(admitted.count).toBe(2);
    expect(logged('address-full')).toMatchObject([
      { transport: 'tcp', address: '127.0.0.1' },
      { transport: 'websocket', address: '127.0.0.1' },
    ]);
    kept[0]?.destroy();
    await expect.poll(async () => (await connectedTcp(listeners)).destroyed).toBe(false);
  });

  it('far above the bound are closed at once, with one entry in the log', async () => {
    const { listeners, admitted, logged } = await startListening({
      mqttPort: 0,
      maxConnectionsPerAddress: 5,
    });
    const sockets = Array.from({ length: 200 }, () => tcpTo(listeners));
    await expect.poll(() => sockets.filter((socket) => !socket.closed).length).toBe(15);
    expect(logged('address-full')).toHaveLength(1);
    expect(admitted.count).toBe(0);
  });

  it('leave room for other addresses, until all together are too many', () => {
    const connections = new OpenConnections({ maxConnections: 30, maxConnectionsPerAddress: 10 });
    const reported: string[] = [];
    let refused = 0;
    const from = (remoteAddress: string) => {
      const socket = Object.assign(new EventEmitter(), {
        remoteAddress,
        isDestroyed: false,
        destroy() {
          socket.isDestroyed = true;
          socket.emit('close');
        },
      });
      connections.add(socket as unknown as Socket, (full, again) => {
        refused += 1;
        if (!again) reported.push(`${remoteAddress} ${full}`);
      });
      return socket;
    };
    for (let i = 0; i < 1_000; i += 1) from('192.0.2.1');
    expect(connections.size).toBe(20);
    expect(connections.fullFor('192.0.2.1')).toBe('address-full');
    expect(connections.fullFor('192.0.2.2')).toBeUndefined();
    const others = Array.from({ length: 1_000 }, (_, i) => from(`198.51.100.${i}`));
    expect(connections.fullFor('192.0.2.2')).toBe('bridge-full');
    expect(connections.size).toBe(130);
    expect(reported).toHaveLength(1 + 890);
    expect(refused).toBe(980 + 890);
    for (const socket of others) socket.emit('close');
    expect(connections.size).toBe(20);
    expect(connections.fullFor('192.0.2.2')).toBeUndefined();
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['fe80::1:2:3:4', 'fe80:0:0:0'],
    ['::1', '0:0:0:0'],
    [undefined, ''],
  ])('are those of one source: %s', (address, source) => {
    expect(sourceOf(address)).toBe(source);
  });
});
