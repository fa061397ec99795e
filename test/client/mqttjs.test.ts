/**
 * Real MQTT.js over its browser stream, as in browsers, React Native and, with
 * forceNativeWebSocket, in Node. That option is latched by the first connect() of the process:
 * tests over TCP are in another file.
 */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import ws from 'ws';
import { websocketFactory } from '../../lib/client/index.ts';
import { createWebsocket } from '../../lib/client/node.ts';
import { encodeChunks, encodePackets } from '../../lib/wire/index.ts';
import { type Behaviour, finalPush, startProfileServer } from './profile-server.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function serverWith(behaviour?: Behaviour) {
  const server = await startProfileServer(behaviour);
  cleanUps.push(server.close);
  return server;
}

function clientOf(url: string, options: IClientOptions = {}): MqttClient {
  const client = mqtt.connect(url, {
    createWebsocket,
    forceNativeWebSocket: true,
    reconnectPeriod: 0,
    browserBufferTimeout: 10,
    ...options,
  });
  cleanUps.push(() => client.endAsync(true));
  return client;
}

function eventOf(client: MqttClient, event: string): Promise<unknown[]> {
  return new Promise((resolve) => {
    client.once(event as 'message', (...values: unknown[]) => resolve(values));
  });
}

function messagesOf(client: MqttClient, count: number): Promise<string[]> {
  const messages: string[] = [];
  return new Promise((resolve) => {
    client.on('message', (_topic, payload) => {
      if (messages.push(payload.toString()) === count) resolve(messages);
    });
  });
}

describe.each([4, 5] as const)('MQTT.js, protocol version %i', (protocolVersion) => {
  it('connects, subscribes, publishes and receives, in order', async () => {
    const server = await serverWith();
    const client = clientOf(server.url, { protocolVersion });
    await eventOf(client, 'connect');
    await client.subscribeAsync('t', { qos: 1 });
    const received = messagesOf(client, 200);
    const sent = Array.from({ length: 200 }, (_, i) => String(i));
    await Promise.all(sent.map((text, i) => client.publishAsync('t', text, { qos: (i % 2) as 0 | 1 })));
    expect(await received).toEqual(sent);
    expect(server.peers[0]?.frames.length).toBeLessThan(20);
  });

  it('is told 0x95 in 5.0 when it sends a packet that is larger than any', async () => {
    const server = await serverWith();
    const client = clientOf(server.url, { protocolVersion });
    await eventOf(client, 'connect');
    const told: unknown[] = [];
    client.on('disconnect', ({ reasonCode }) => told.push(reasonCode));
    client.on('error', () => {});
    const closed = eventOf(client, 'close');
    client.publish('t', 'x'.repeat(131_072));
    await closed;
    expect(told).toEqual(protocolVersion === 5 ? [0x95] : []);
  });

  it('sends and receives the largest packets', async () => {
    const server = await serverWith();
    const client = clientOf(server.url, { protocolVersion });
    await eventOf(client, 'connect');
    const received = messagesOf(client, 3);
    const payloads = [23_000, 100_000, 131_000].map((size, i) => String(i).repeat(size));
    await Promise.all(payloads.map((payload) => client.publishAsync('t', payload, { qos: 1 })));
    expect(await received).toEqual(payloads);
  });

  it('delivers pushes after CONNACK, even if they overtake it [MQTT-3.2.0-1 v3+v5]', async () => {
    const server = await serverWith({
      reply: (usual, peer, packets) => {
        if (packets[0]?.cmd !== 'connect') return usual;
        const publish = { cmd: 'publish', topic: 't', qos: 0, dup: false, retain: false } as const;
        peer.push([
          { ...publish, payload: 'first' },
          { ...publish, payload: 'x'.repeat(60_000) },
        ]);
        return usual;
      },
    });
    const client = clientOf(server.url, { protocolVersion });
    const events: string[] = [];
    client.on('packetreceive', ({ cmd }) => events.push(cmd));
    const received = await messagesOf(client, 2);
    expect(events).toEqual(['connack', 'publish', 'publish']);
    expect(received.map(({ length }) => length)).toEqual([5, 60_000]);
  });
});

describe('MQTT.js', () => {
  it('sends DISCONNECT before it closes', async () => {
    const server = await serverWith();
    const client = clientOf(server.url);
    await eventOf(client, 'connect');
    await client.endAsync();
    expect(server.peers[0]?.packets.map(({ cmd }) => cmd)).toEqual(['connect', 'disconnect']);
  });

  it('learns from the final push why it was refused', async () => {
    const server = await serverWith({
      reply: (_usual, { socket }) => {
        socket.send(finalPush({ cmd: 'connack', returnCode: 5, sessionPresent: false }));
        socket.close();
        return undefined;
      },
    });
    const client = clientOf(server.url);
    const [error] = await eventOf(client, 'error');
    expect(error).toMatchObject({ code: 5 });
  });

  it('learns from the final push why it was disconnected', async () => {
    const server = await serverWith({
      reply: (usual, { socket }, packets) => {
        if (packets[0]?.cmd === 'connect') return usual;
        socket.send(finalPush({ cmd: 'disconnect', reasonCode: 0x8e }, 5));
        socket.close();
        return undefined;
      },
    });
    const client = clientOf(server.url, { protocolVersion: 5 });
    await eventOf(client, 'connect');
    const disconnected = eventOf(client, 'disconnect');
    client.publish('t', 'x');
    const [packet] = await disconnected;
    expect(packet).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
  });

  it.each([
    ['the gateway fails', '{"message": "Internal server error", "connectionId":"c=", "requestId":"r="}'],
    ['a reply is garbage', '.garbage'],
    ['a reply never comes', undefined],
  ])('reconnects and loses nothing when %s [MQTT-4.8.0-2 v3]', async (_name, fault) => {
    let faults = 0;
    let letTimePass = () => {};
    const timers = {
      setTimeout: (callback: () => void) => {
        letTimePass = callback;
      },
      clearTimeout: () => {},
    };
    const server = await serverWith({
      reply: (usual, _peer, packets): string | undefined => {
        if (!packets.some(({ cmd }) => cmd === 'publish') || faults++ > 0) return usual;
        if (fault === undefined) setImmediate(() => letTimePass());
        return fault;
      },
    });
    const client = clientOf(server.url, {
      reconnectPeriod: 1,
      createWebsocket: websocketFactory({ WebSocket: ws, timers }),
    });
    await eventOf(client, 'connect');
    const published = client.publishAsync('t', 'x', { qos: 1 });
    await eventOf(client, 'connect');
    await published;
    expect(server.peers).toHaveLength(2);
    expect(server.peers[1]?.packets.map(({ cmd }) => cmd)).toEqual(['connect', 'publish']);
  });

  it('sends the headers of wsOptions', async () => {
    const server = await serverWith();
    const client = clientOf(server.url, { wsOptions: { headers: { Authorization: 'Bearer t' } } });
    await eventOf(client, 'connect');
    expect(server.peers[0]?.request.headers).toMatchObject({
      authorization: 'Bearer t',
      'sec-websocket-protocol': 'wisp.b64.v1',
    });
  });

  it('assembles chunks in any order, with other messages between them', async () => {
    const big = new Uint8Array(
      Buffer.concat([Buffer.from([0x30, 0xd3, 0xea, 0x02, 0, 1, 0x74]), Buffer.alloc(46_416, 'b')]),
    );
    const server = await serverWith({
      reply: (usual, { socket }, packets) => {
        if (packets[0]?.cmd !== 'subscribe') return usual;
        const [first = '', second = ''] = encodeChunks('b', big);
        const small = encodePackets(new Uint8Array([0x30, 4, 0, 1, 0x74, 0x73]));
        for (const text of [second, small, first]) socket.send(text);
        return usual;
      },
    });
    const client = clientOf(server.url);
    await eventOf(client, 'connect');
    const received = messagesOf(client, 2);
    await client.subscribeAsync('t');
    expect(await received).toEqual(['s', 'b'.repeat(46_416)]);
  });
});
