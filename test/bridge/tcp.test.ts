import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import type WebSocket from 'ws';
import { connack, connectPacket, connectPacket5, pingreq, pingresp, startBridged, tcpTo } from './bridged.ts';

describe('a TCP client', () => {
  it('reaches upstream only if it begins with CONNECT [MQTT-3.1.0-1 v3+v5]', async () => {
    const { server, bridge, logged } = await startBridged();
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
    const { bridge, server } = await startBridged({}, { connectTimeoutMs: 20 });
    await once(tcpTo(bridge), 'close');
    expect(server.peers).toHaveLength(0);
  });

  it.each([
    ['another protocol name', '100c00044d5154550402003c0000'],
    ['a header that its length does not hold', '100600044d515454'],
    ['a malformed length', '10ffffffff01'],
  ])('does not reach upstream with %s', async (_, hex) => {
    const { server, bridge } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(Buffer.from(hex, 'hex'));
    await once(socket, 'close');
    expect(server.peers).toHaveLength(0);
  });

  it.each([1, 2, 7, 10])('does not reach upstream with %i bytes of CONNECT', async (bytes) => {
    const { server, bridge } = await startBridged({}, { connectTimeoutMs: 50 });
    const socket = tcpTo(bridge);
    socket.write(connectPacket.subarray(0, bytes));
    await once(socket, 'close');
    expect(server.peers).toHaveLength(0);
  });

  it('may write byte by byte', async () => {
    const { server, bridge } = await startBridged();
    const socket = tcpTo(bridge);
    socket.setNoDelay(true);
    for (const byte of connectPacket) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    expect(await once(socket, 'data')).toEqual([connack]);
    expect(server.peers[0]?.packets).toMatchObject([{ cmd: 'connect', keepalive: 0 }]);
  });

  it('that closes has its last packets sent', async () => {
    let release = () => {};
    const { server, bridge } = await startBridged({
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
    const { server, bridge } = await startBridged();
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
    other.write(pingreq);
    expect(await once(other, 'data')).toEqual([pingresp]);
  });

  it('of MQTT 5.0 is told that a packet is too large', async () => {
    const { bridge, entries } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(connectPacket5);
    await once(socket, 'data');
    const told = once(socket, 'data');
    socket.write(Buffer.from('30feff0700', 'hex'));
    expect(await told).toEqual([Buffer.from('e0029500', 'hex')]);
    await once(socket, 'close');
    expect(entries.map(({ event }) => event)).toContain('packet-too-large');
  });

  it('is closed when upstream closes, fails or cannot be reached', async () => {
    const { server, bridge } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    server.peers[0]?.socket.terminate();
    await once(socket, 'close');

    const refused = await startBridged({ refuse: () => 403 });
    const turnedAway = tcpTo(refused.bridge);
    turnedAway.write(connectPacket);
    expect(await once(turnedAway, 'data')).toEqual([Buffer.from('20020005', 'hex')]);
    await once(turnedAway, 'close');
    expect(refused.entries).toContainEqual(expect.objectContaining({ event: 'upstream-refused', code: 403 }));
  });

  it.each([
    [403, 0x87],
    [429, 0x9f],
    [503, 0x88],
  ])('of MQTT 5.0 gets the reason of a refused handshake: %i becomes %i', async (status, reasonCode) => {
    const { bridge, entries } = await startBridged({ refuse: () => status });
    const socket = tcpTo(bridge);
    socket.write(connectPacket5);
    expect(await once(socket, 'data')).toEqual([Buffer.of(0x20, 3, 0, reasonCode, 0)]);
    await once(socket, 'close');
    const logged = entries.find(({ event }) => event === 'upstream-refused');
    expect(logged).toMatchObject({ code: status, said: `no: ${status}`, address: '127.0.0.1' });
  });

  it('of MQTT 5.0 is told that upstream cannot be reached, and the log says why', async () => {
    const { bridge, entries } = await startBridged({}, { upstreamUrl: 'ws://127.0.0.1:1/mqtt' });
    const socket = tcpTo(bridge);
    socket.write(connectPacket5);
    expect(await once(socket, 'data')).toEqual([Buffer.of(0x20, 3, 0, 0x88, 0)]);
    await once(socket, 'close');
    const logged = entries.find(({ event }) => event === 'upstream-refused');
    expect(logged?.error).toMatch(/ECONNREFUSED/);
  });

  it('of MQTT 5.0 is told that upstream is lost, and that the bridge closes', async () => {
    const { server, bridge, entries } = await startBridged();
    const told = async (end: () => unknown) => {
      const socket = tcpTo(bridge);
      socket.write(connectPacket5);
      await once(socket, 'data');
      const answer = once(socket, 'data');
      end();
      return (await answer)[0];
    };
    expect(await told(() => server.peers[0]?.socket.terminate())).toEqual(Buffer.from('e00189', 'hex'));
    expect(entries.map(({ event }) => event)).toContain('upstream-lost');
    expect(await told(() => void bridge.close())).toEqual(Buffer.from('e0018b', 'hex'));
  });

  it('whose CONNECT is too large is told so', async () => {
    const { server, bridge, entries } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(Buffer.from('10feff0700044d5154540502003c', 'hex'));
    expect(await once(socket, 'data')).toEqual([Buffer.of(0x20, 3, 0, 0x95, 0)]);
    expect(entries.map(({ event }) => event)).toContain('packet-too-large');
    expect(server.peers).toHaveLength(0);
  });

  it('that speaks TLS at the plain port is logged as such', async () => {
    const { bridge, logged } = await startBridged();
    const entry = logged('tls-on-plain-port');
    tcpTo(bridge).write(Buffer.from('16030100c8010000c40303', 'hex'));
    expect(await entry).toMatchObject({ transport: 'tcp', address: '127.0.0.1' });
  });

  it('is not read while upstream is slow, and loses nothing', async () => {
    const replies: (() => void)[] = [];
    let isHolding = true;
    const { server, bridge } = await startBridged({
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

  it('that does not read is closed when its buffer is full', async () => {
    const { server, bridge, logged } = await startBridged({}, { maxClientBufferBytes: 1_000_000 });
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
    expect(await slow).toMatchObject({ event: 'slow-client', transport: 'tcp', address: '127.0.0.1' });
    await left;
  });
});

/** Resolves when the socket has accepted no bytes for 200 turns of the event loop. */
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
