import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { type Bridge, type BridgeLogEntry, type BridgeOptions, startBridge } from '../../lib/bridge/index.ts';
import { type Behaviour, finalPush, startProfileServer } from '../client/profile-server.ts';

const connectPacket = Buffer.from('100c00044d5154540402003c0000', 'hex');
const connack = Buffer.from('20020000', 'hex');

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(behaviour: Behaviour = {}, options: Partial<BridgeOptions> = {}) {
  const server = await startProfileServer(behaviour);
  cleanUps.push(server.close);
  const entries: BridgeLogEntry[] = [];
  const waiting: { event: string; resolve: (entry: BridgeLogEntry) => void }[] = [];
  const log = (entry: BridgeLogEntry) => {
    entries.push(entry);
    for (const { event, resolve } of waiting) if (event === entry.event) resolve(entry);
  };
  const logged = (event: string) =>
    new Promise<BridgeLogEntry>((resolve) => {
      waiting.push({ event, resolve });
    });
  const bridge = await startBridge({ upstreamUrl: server.url, mqttPort: 0, wsPort: 0, log, ...options });
  cleanUps.push(bridge.close);
  return { server, bridge, entries, logged };
}

function tcpTo({ mqttPort = 0 }: Bridge): Socket {
  const socket = connect(mqttPort, '127.0.0.1');
  cleanUps.push(() => socket.destroy());
  return socket;
}

function webSocketTo({ wsPort }: Bridge, path = '/mqtt', protocols = ['mqtt'], headers = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${wsPort}${path}`, protocols, { headers });
  cleanUps.push(() => socket.terminate());
  return socket;
}

/** The HTTP status with which a handshake is refused. */
function refusal(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode));
    socket.once('open', () => reject(new Error('accepted')));
    socket.on('error', () => {});
  });
}

async function closeOf(socket: WebSocket): Promise<number> {
  const [code] = await once(socket, 'close');
  return code;
}

async function mqttClient(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  cleanUps.push(() => client.endAsync(true));
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
}

describe.each(['tcp', 'ws'] as const)('stock MQTT.js over %s', (scheme) => {
  const urlOf = ({ mqttPort, wsPort }: Bridge) =>
    scheme === 'tcp' ? `mqtt://127.0.0.1:${mqttPort}` : `ws://127.0.0.1:${wsPort}/mqtt`;

  it.each([4, 5] as const)(
    'publishes and receives in order, protocol version %i [MQTT-7.1.1-1 v3, MQTT-4.2.0-1 v5]',
    async (protocolVersion) => {
      const { server, bridge } = await start();
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

  it('is told by the final push, before the connection ends', async () => {
    const { bridge } = await start({
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

describe('a TCP client', () => {
  it('reaches upstream with its first byte, and only if that begins a CONNECT [MQTT-3.1.0-1 v3+v5]', async () => {
    const { server, bridge, logged } = await start();
    const notMqtt = logged('not-mqtt');
    const wrong = tcpTo(bridge);
    wrong.write('GET / HTTP/1.1\r\n\r\n');
    await once(wrong, 'close');
    await notMqtt;
    expect(server.peers).toHaveLength(0);
    const right = tcpTo(bridge);
    right.write(connectPacket);
    expect(await once(right, 'data')).toEqual([connack]);
    expect(server.peers).toHaveLength(1);
  });

  it('that stays silent is closed', async () => {
    const { bridge, server } = await start({}, { firstByteTimeoutMs: 20 });
    await once(tcpTo(bridge), 'close');
    expect(server.peers).toHaveLength(0);
  });

  it('may write byte by byte', async () => {
    const { server, bridge } = await start();
    const socket = tcpTo(bridge);
    socket.setNoDelay(true);
    for (const byte of connectPacket) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    expect(await once(socket, 'data')).toEqual([connack]);
    expect(server.peers[0]?.frames).toEqual([connectPacket.toString('base64')]);
  });

  it('that leaves has its last packets sent', async () => {
    let release = () => {};
    const { server, bridge } = await start({
      order: (sendReply) => {
        release = sendReply;
      },
    });
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    const peer = await server.nextPeer();
    await once(peer.socket, 'message');
    const ended = once(socket, 'close');
    socket.end(Buffer.from('300500017468 69e000'.replace(' ', ''), 'hex'));
    await ended;
    release();
    await once(peer.socket, 'message');
    release();
    expect(peer.packets.map(({ cmd }) => cmd)).toEqual(['connect', 'publish', 'disconnect']);
  });

  it.each([
    ['a malformed length', '30ffffffff01'],
    ['a packet over 131,072 bytes', '30feff0700'],
  ])('is closed on %s, and the others are not', async (_name, hex) => {
    const { server, bridge } = await start();
    const other = tcpTo(bridge);
    other.write(connectPacket);
    await once(other, 'data');
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    const left = once(server.peers[1]?.socket as WebSocket, 'close');
    socket.write(Buffer.from(hex, 'hex'));
    await once(socket, 'close');
    expect((await left)[0]).toBe(4003);
    other.write(Buffer.from('c000', 'hex'));
    expect(await once(other, 'data')).toEqual([Buffer.from('d000', 'hex')]);
  });

  it('is closed when upstream closes, fails or cannot be reached', async () => {
    const { server, bridge } = await start();
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    server.peers[0]?.socket.terminate();
    await once(socket, 'close');

    const refused = await start({ refuse: () => 403 });
    const turnedAway = tcpTo(refused.bridge);
    turnedAway.write(connectPacket);
    await once(turnedAway, 'close');
    expect(refused.entries.map(({ event }) => event)).toContain('closed');
  });

  it('is not read while upstream is behind, and loses nothing', async () => {
    const replies: (() => void)[] = [];
    let isHolding = true;
    const { server, bridge } = await start({
      order: (sendReply) => {
        if (isHolding) replies.push(sendReply);
        else sendReply();
      },
    });
    const socket = tcpTo(bridge);
    const publish = Buffer.concat([Buffer.from('30a01f000174', 'hex'), Buffer.alloc(3_997, 'x')]);
    const count = 5_000;
    socket.write(connectPacket);
    const isWritten = new Promise((resolve) => {
      socket.write(Buffer.concat(Array.from({ length: count }, () => publish)), resolve);
    });
    const peer = await server.nextPeer();
    await once(peer.socket, 'message');
    const early = await Promise.race([isWritten.then(() => 'written'), onceIdle(socket)]);
    expect(early).toBe('waiting');
    isHolding = false;
    for (const reply of replies) reply();
    await isWritten;
    while (peer.packets.length < count + 1) await once(peer.socket, 'message');
    expect(peer.packets).toHaveLength(count + 1);
  });

  it('that does not read is closed once too much waits for it', async () => {
    const { server, bridge, logged } = await start({}, { maxClientBufferBytes: 1_000_000 });
    const slow = logged('slow-client');
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    socket.pause();
    const peer = server.peers[0];
    const left = once(peer?.socket as WebSocket, 'close');
    const packet = {
      cmd: 'publish',
      topic: 't',
      payload: 'x'.repeat(20_000),
      qos: 0,
      dup: false,
      retain: false,
    } as const;
    for (let i = 0; i < 1_000; i++) peer?.push([packet]);
    expect(await slow).toEqual({ event: 'slow-client', transport: 'tcp' });
    await left;
  });
});

/** Resolves once the socket has stopped taking bytes: as many turns of the event loop without progress as a busy loop needs. */
async function onceIdle(socket: Socket): Promise<string> {
  let before = -1;
  let still = 0;
  while (still < 200) {
    still = socket.bytesWritten - socket.writableLength === before ? still + 1 : 0;
    before = socket.bytesWritten - socket.writableLength;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return 'waiting';
}

describe('a WebSocket client', () => {
  it('brings its token and Authorization header upstream [MQTT-6.0.0-4 v3+v5]', async () => {
    const { server, bridge } = await start();
    const socket = webSocketTo(bridge, '/mqtt?token=a%2Fb', ['mqtt'], { Authorization: 'Bearer t' });
    await once(socket, 'open');
    const request = server.peers[0]?.request;
    expect(request?.url).toBe('/mqtt?token=a%2Fb');
    expect(request?.headers.authorization).toBe('Bearer t');
    expect(socket.protocol).toBe('mqtt');
  });

  it.each([
    [401, 401],
    [403, 403],
    [429, 429],
    [500, 502],
  ])('is refused as upstream refuses: %i gives %i', async (upstream, expected) => {
    const { bridge } = await start({ refuse: () => upstream });
    expect(await refusal(webSocketTo(bridge))).toBe(expected);
  });

  it.each([
    ['another path', '/other', ['mqtt'], 404],
    ['no subprotocol', '/mqtt', [], 400],
    ['another subprotocol', '/mqtt', ['wisp.b64.v1'], 400],
  ])('is refused with %s', async (_name, path, protocols, status) => {
    const { server, bridge } = await start();
    expect(await refusal(webSocketTo(bridge, path, protocols))).toBe(status);
    expect(server.peers).toHaveLength(0);
  });

  it('may ask for mqttv3.1, and gets the subprotocol it asks for [MQTT-6.0.0-4 v3+v5]', async () => {
    const { bridge } = await start();
    const socket = webSocketTo(bridge, '/mqtt', ['mqttv3.1']);
    await once(socket, 'open');
    expect(socket.protocol).toBe('mqttv3.1');
    const usual = webSocketTo(bridge, '/mqtt', ['other', 'mqtt']);
    await once(usual, 'open');
    expect(usual.protocol).toBe('mqtt');
  });

  it('that sends text is closed with 1003 [MQTT-6.0.0-1 v3+v5]', async () => {
    const { bridge } = await start();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    socket.send('EAwABE1RVFQEAgA8AAA=');
    expect(await closeOf(socket)).toBe(1003);
  });

  it.each([
    [1000, 1000],
    [1001, 1001],
    [1011, 1011],
  ])('is closed when upstream closes: %i gives %i', async (upstream, expected) => {
    const { server, bridge } = await start();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    server.peers[0]?.socket.close(upstream);
    expect(await closeOf(socket)).toBe(expected);
  });

  it('gets binary messages, whatever pieces it writes in [MQTT-6.0.0-1 v3+v5, MQTT-6.0.0-2 v3+v5]', async () => {
    const { bridge } = await start();
    const socket = webSocketTo(bridge);
    await once(socket, 'open');
    for (let at = 0; at < connectPacket.length; at += 5) socket.send(connectPacket.subarray(at, at + 5));
    expect(await once(socket, 'message')).toEqual([connack, true]);
  });
});

describe('the bridge', () => {
  it('rejects with the code and port of a listener that fails, and leaves nothing listening', async () => {
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

  it('needs something to listen on', async () => {
    await expect(startBridge({ upstreamUrl: 'ws://127.0.0.1:1/mqtt' })).rejects.toThrow(TypeError);
  });

  it('turns away clients over its limit', async () => {
    const { bridge } = await start({}, { maxConnections: 1 });
    const first = tcpTo(bridge);
    first.write(connectPacket);
    await once(first, 'data');
    await once(tcpTo(bridge), 'close');
    expect(await refusal(webSocketTo(bridge))).toBe(503);
    first.write(Buffer.from('c000', 'hex'));
    expect(await once(first, 'data')).toEqual([Buffer.from('d000', 'hex')]);
  });

  it('ends its clients and its upstream connections when it closes', async () => {
    const { server, bridge } = await start();
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
    const { bridge } = await start();
    const response = await fetch(`http://127.0.0.1:${bridge.wsPort}/mqtt`);
    expect(response.status).toBe(426);
  });

  it('logs neither tokens nor payloads', async () => {
    const { bridge, entries } = await start({ refuse: () => 401 });
    await refusal(webSocketTo(bridge, '/mqtt?token=secret', ['mqtt'], { Authorization: 'Bearer secret' }));
    expect(entries).toContainEqual({ event: 'handshake-refused', transport: 'websocket', code: 401 });
    expect(JSON.stringify(entries)).not.toContain('secret');
  });
});
