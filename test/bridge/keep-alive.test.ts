import { once } from 'node:events';
import mqtt, { type IConnackPacket, type Packet } from 'mqtt-packet';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { watchSilence } from '../../lib/bridge/silence.ts';
import { finalPush } from '../client/profile-server.ts';
import { connectPacket, connectPacket5, pingreq, pingresp, startBridged, tcpTo } from './bridged.ts';

/** CONNECT with a keep-alive of one second. */
const withOneSecond = (packet: Buffer) => {
  const changed = Buffer.from(packet);
  changed.writeUInt16BE(1, 10);
  return changed;
};

function connackWith(properties: NonNullable<IConnackPacket['properties']>): Packet {
  return { cmd: 'connack', sessionPresent: false, reasonCode: 0, properties };
}

function parsed(bytes: Buffer): Packet | undefined {
  const packets: Packet[] = [];
  const parser = mqtt.parser({ protocolVersion: 5 });
  parser.on('packet', (packet) => packets.push(packet));
  parser.parse(bytes);
  return packets[0];
}

describe('the keep-alive of a client of the bridge', () => {
  it('is answered by the bridge and unknown to the server [MQTT-3.12.4-1 v3+v5]', async () => {
    const { server, bridge } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    for (let ping = 0; ping < 3; ping += 1) {
      socket.write(pingreq);
      expect(await once(socket, 'data')).toEqual([pingresp]);
    }
    expect(server.peers[0]?.packets).toMatchObject([{ cmd: 'connect', keepalive: 0 }]);
    expect(server.peers[0]?.frames).toHaveLength(1);
  });

  it('passes PINGREQ on between other packets and in pieces', async () => {
    const { server, bridge } = await startBridged();
    const socket = tcpTo(bridge);
    socket.write(connectPacket);
    await once(socket, 'data');
    const publish = Buffer.from('320700017400016869', 'hex');
    for (const byte of Buffer.concat([pingreq, publish, pingreq]))
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    const received: Buffer[] = [];
    for await (const bytes of socket) {
      received.push(bytes);
      if (Buffer.concat(received).includes('hi')) break;
    }
    expect(server.peers[0]?.packets.map(({ cmd }) => cmd)).toEqual(['connect', 'publish']);
  });

  it.each([
    ['3.1.1', connectPacket, []],
    ['5.0', connectPacket5, ['e0018d']],
  ])(
    'ends it after 1.5 times, upstream without DISCONNECT: %s [MQTT-3.1.2-24 v3, MQTT-3.1.2-22 v5]',
    async (_version, packet, answer) => {
      const { server, bridge, entries } = await startBridged();
      const socket = tcpTo(bridge);
      socket.write(withOneSecond(packet));
      const peer = await server.nextPeer();
      const left = once(peer.socket, 'close');
      await once(socket, 'data');
      const told: string[] = [];
      socket.on('data', (bytes) => told.push(bytes.toString('hex')));
      await once(socket, 'close');
      await left;
      expect(told).toEqual(answer);
      expect(peer.packets.map(({ cmd }) => cmd)).toEqual(['connect']);
      expect(entries).toContainEqual(
        expect.objectContaining({ event: 'keep-alive-timeout', transport: 'tcp' }),
      );
    },
  );

  it.each([
    [60, 60],
    [1_200, 1_200],
    [0, 540],
  ])('of MQTT 5.0: asked for %i seconds, it gets %i in CONNACK', async (asked, expected) => {
    const properties = { assignedClientIdentifier: 'x', serverKeepAlive: 540, userProperties: { a: 'b' } };
    const { bridge } = await startBridged({
      reply: () => `.${finalPush(connackWith(properties), 5)}`,
    });
    const socket = tcpTo(bridge);
    const packet = Buffer.from(connectPacket5);
    packet.writeUInt16BE(asked, 10);
    socket.write(packet);
    const [connack] = (await once(socket, 'data')) as [Buffer];
    expect(parsed(connack)).toMatchObject({ properties: { ...properties, serverKeepAlive: expected } });
  });
});

describe('a watch of silence', () => {
  afterEach(() => void vi.useRealTimers());

  it('sets a timer once per 1.5 times the keep-alive, however many packets come', () => {
    vi.useFakeTimers();
    const onSilent = vi.fn();
    const set = vi.spyOn(globalThis, 'setTimeout');
    const watch = watchSilence(() => true, onSilent);
    watch.watch(60);
    for (let second = 0; second < 900; second += 1) {
      vi.advanceTimersByTime(1_000);
      watch.heard();
    }
    expect(onSilent).not.toHaveBeenCalled();
    expect(set.mock.calls.length).toBeLessThan(15);
    vi.advanceTimersByTime(89_999);
    expect(onSilent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2);
    expect(onSilent).toHaveBeenCalledTimes(1);
  });

  it('does not run while the bridge does not read', () => {
    vi.useFakeTimers();
    const onSilent = vi.fn();
    let isRead = false;
    const watch = watchSilence(() => isRead, onSilent);
    watch.watch(60);
    vi.advanceTimersByTime(1_000_000);
    expect(onSilent).not.toHaveBeenCalled();
    isRead = true;
    watch.heard();
    vi.advanceTimersByTime(89_000);
    expect(onSilent).not.toHaveBeenCalled();
    watch.stop();
    vi.advanceTimersByTime(1_000_000);
    expect(onSilent).not.toHaveBeenCalled();
  });
});
