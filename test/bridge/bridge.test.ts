import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import mqtt from 'mqtt';
import { describe, expect, it } from 'vitest';
import type WebSocket from 'ws';
import { type Bridge, type BridgeLogEntry, startBridge } from '../../lib/bridge/index.ts';
import { finalPush } from '../client/profile-server.ts';
import {
  cleanUps,
  closeOf,
  connectPacket,
  mqttClient,
  pingreq,
  pingresp,
  refusal,
  refusedConnack,
  startBridged,
  tcpTo,
  webSocketTo,
} from './bridged.ts';

describe.each(['tcp', 'ws'] as const)('stock MQTT.js over %s', (scheme) => {
  const urlOf = ({ mqttPort, wsPort }: Bridge) =>
    scheme === 'tcp' ? `mqtt://127.0.0.1:${mqttPort}` : `ws://127.0.0.1:${wsPort}/mqtt`;

  it.each([4, 5] as const)(
    'publishes and receives in order, protocol version %i [MQTT-7.1.1-1 v3, MQTT-4.2.0-1 v5]',
    async (protocolVersion) => {
      const { server, bridge } = await startBridged();
      const client = await mqttClient(urlOf(bridge), { protocolVersion });
      const received: string[] = [];
      const sent = Array.from({ length: 200 }, (_, i) => `${i} ${'x'.repeat(i % 7 === 0 ? 30_000 : 10)}`);
      const all = new Promise<void>((resolve) => {
        client.on('message', (_topic, payload) => {
          if (received.push(payload.toString()) === sent.length) resolve();
        });
      });
      await Promise.all(sent.map((text, i) => client.publishAsync('t', text, { qos: (i % 2) as 0 | 1 })));
      await all;
      expect(received).toEqual(sent);
      const left = once(server.peers[0]?.socket as WebSocket, 'close');
      await client.endAsync();
      await left;
      expect(server.peers[0]?.packets.at(-1)?.cmd).toBe('disconnect');
    },
  );

  it('receives the final push before the connection ends', async () => {
    const { bridge } = await startBridged({
      reply: (_usual, { socket }) => {
        socket.send(finalPush({ cmd: 'connack', returnCode: 4, sessionPresent: false }));
        socket.close();
        return undefined;
      },
    });
    const client = mqtt.connect(urlOf(bridge), { reconnectPeriod: 0 });
    cleanUps.push(() => client.endAsync(true));
    const [error] = await once(client as never, 'error').catch((reason) => [reason]);
    expect(error).toMatchObject({ code: 4 });
  });
});

describe('the bridge', () => {
  it('rejects with the code and port of a listener that fails, and closes all listeners', async () => {
    const taken = createServer();
    taken.listen(0, '127.0.0.1');
    await once(taken, 'listening');
    cleanUps.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const entries: BridgeLogEntry[] = [];
    const options = { upstreamUrl: 'ws://127.0.0.1:1/mqtt', mqttPort: 0, wsPort: port };
    await expect(startBridge({ ...options, log: (entry) => entries.push(entry) })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      port,
    });
    const first = connect(entries[0]?.port ?? 0, '127.0.0.1');
    const [error] = await once(first, 'error').catch((reason) => [reason]);
    expect(error).toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('needs at least one listener', async () => {
    await expect(startBridge({ upstreamUrl: 'ws://127.0.0.1:1/mqtt' })).rejects.toThrow(TypeError);
  });

  it('refuses clients over its bound', async () => {
    const { bridge } = await startBridged({}, { maxConnections: 1 });
    const first = tcpTo(bridge);
    first.write(connectPacket);
    await once(first, 'data');
    const second = tcpTo(bridge);
    second.write(connectPacket);
    expect(await once(second, 'data')).toEqual([refusedConnack]);
    await once(second, 'close');
    expect(await refusal(webSocketTo(bridge))).toBe(503);
    first.write(pingreq);
    expect(await once(first, 'data')).toEqual([pingresp]);
  });

  it('closes its clients and its upstream connections when it closes', async () => {
    const { server, bridge } = await startBridged();
    const tcp = tcpTo(bridge);
    tcp.write(connectPacket);
    await once(tcp, 'data');
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    const idle = tcpTo(bridge);
    await once(idle, 'connect');
    const ended = [
      once(tcp, 'close'),
      once(idle, 'close'),
      ...server.peers.map((peer) => once(peer.socket, 'close')),
    ];
    const code = closeOf(socket);
    await bridge.close();
    await Promise.all(ended);
    expect(await code).toBe(1001);
  });

  it('answers plain HTTP with 426', async () => {
    const { bridge } = await startBridged();
    const response = await fetch(`http://127.0.0.1:${bridge.wsPort}/mqtt`);
    expect(response.status).toBe(426);
  });

  it('logs neither tokens nor payloads', async () => {
    const { bridge, entries } = await startBridged({ refuse: () => 401 });
    await refusal(webSocketTo(bridge, '/mqtt?token=secret', ['mqtt'], { Authorization: 'Bearer secret' }));
    expect(entries).toContainEqual(
      expect.objectContaining({ event: 'handshake-refused', transport: 'websocket', code: 401 }),
    );
    expect(JSON.stringify(entries)).not.toContain('secret');
  });
});
