import { describe, expect, it } from 'vitest';
import { encodePacket } from '../../lib/mqtt/index.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

/**
 * CONNACK announces limits, or implies defaults by their absence (section 3.2.2.3 of MQTT 5.0).
 * Each limit is tested at the bound and beyond.
 */
const suite = useSuite();

interface Announced {
  readonly receiveMaximum: number;
  readonly maximumPacketSize: number;
  readonly topicAliasMaximum: number;
  readonly serverKeepAlive: number;
  readonly sessionExpiryInterval?: number;
}

const announced = (client: Connected): Announced => client.connack.properties as unknown as Announced;

describe('CONNACK', () => {
  it('announces these properties and no others: absent ones mean available [MQTT-3.1.2-28 v5, MQTT-4.12.0-6 v5]', async () => {
    const client = await suite.connect();
    expect(client.connack).toEqual({
      cmd: 'connack',
      reasonCode: 0,
      properties: {
        receiveMaximum: expect.any(Number),
        maximumPacketSize: expect.any(Number),
        topicAliasMaximum: expect.any(Number),
        serverKeepAlive: expect.any(Number),
      },
    });
  });

  it('Receive Maximum: accepts as many messages, and not one more [MQTT-3.3.4-7 v5]', async () => {
    const client = await suite.connect();
    const { receiveMaximum } = announced(client);
    const packets = Array.from({ length: receiveMaximum + 1 }, (_, index) =>
      publish('r', 'x', { qos: 2, messageId: index + 1 }),
    );
    const half = Math.floor(receiveMaximum / 2);
    expect(await client.send(...packets.slice(0, half))).toHaveLength(half);
    expect(await client.send(...packets.slice(half, receiveMaximum))).toHaveLength(receiveMaximum - half);
    // A completed exchange makes room for another message.
    await client.send({ cmd: 'pubrel', messageId: 1 });
    expect(await client.send(publish('r', 'x', { qos: 2, messageId: 1 }))).toHaveLength(1);
    const { pushes } = await client.exchange(...packets.slice(receiveMaximum));
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x93 }]);
  });

  it('Maximum Packet Size: accepts as many bytes, and not one more [MQTT-3.2.2-15 v5]', async () => {
    const client = await suite.connect();
    const { maximumPacketSize } = announced(client);
    const overhead =
      encodePacket(publish('m', Buffer.alloc(maximumPacketSize)), 5).length - maximumPacketSize;
    const packet = publish('m', Buffer.alloc(maximumPacketSize - overhead), { qos: 0 });
    expect(encodePacket(packet, 5)).toHaveLength(maximumPacketSize);
    await client.send(subscribe(1, 'm'));
    expect((await client.exchange(packet)).pushes).toHaveLength(1);
    const { pushes } = await client.exchange(publish('m', Buffer.alloc(maximumPacketSize - overhead + 1)));
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x95 }]);
  });

  it('Topic Alias Maximum: accepts every alias up to it, and none above [MQTT-3.2.2-17 v5]', async () => {
    const client = await suite.connect();
    const { topicAliasMaximum } = announced(client);
    await client.send(subscribe(1, 'alias/+'));
    const aliases = Array.from({ length: topicAliasMaximum }, (_, index) => index + 1);
    await client.send(
      ...aliases.map((topicAlias) => publish(`alias/${topicAlias}`, 'x', { properties: { topicAlias } })),
    );
    await client.take(topicAliasMaximum);
    const { pushes } = await client.exchange(
      ...aliases.map((topicAlias) => publish('', 'y', { properties: { topicAlias } })),
    );
    expect(pushes.map(({ topic }) => topic)).toEqual(aliases.map((alias) => `alias/${alias}`));
    const ended = await client.exchange(
      publish('a', 'x', { properties: { topicAlias: topicAliasMaximum + 1 } }),
    );
    expect(ended.pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x94 }]);
  });

  it('Server Keep Alive: is enforced after 1.5 times its value [MQTT-3.2.2-21 v5, MQTT-3.1.2-22 v5, MQTT-3.1.2-21 v5]', async () => {
    const client = await suite.connect({ keepalive: 10_000 });
    const { serverKeepAlive } = announced(client);
    await suite.advance(serverKeepAlive);
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    // API Gateway closes connections that idle for 600 s: the announced keep-alive stays below.
    expect(serverKeepAlive).toBeLessThan(600);
    await suite.advance(serverKeepAlive * 1.5 + 1);
    await client.closed;
  });

  it('Maximum QoS is absent: 2 works', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, { topic: 'q', qos: 2 }));
    const { pushes } = await client.exchange(publish('q', suite.secret, { qos: 2, messageId: 1 }));
    expect(pushes).toMatchObject([{ qos: 2 }]);
    expect(await client.send({ cmd: 'pubrel', messageId: 1 })).toMatchObject([
      { cmd: 'pubcomp', reasonCode: 0 },
    ]);
  });

  it('retain, wildcards, identifiers and shares are available', async () => {
    const client = await suite.connect();
    await client.send(publish('v/x', suite.secret, { retain: true }));
    const { replies, pushes } = await client.exchange(
      subscribe(1, 'v/+', '$share/g/v/#', { identifier: 3 }),
      publish('v/y', suite.secret),
    );
    expect(replies).toMatchObject([{ granted: [0, 0] }]);
    expect(pushes).toMatchObject([
      { topic: 'v/x', retain: true, properties: { subscriptionIdentifier: 3 } },
      { topic: 'v/y', properties: { subscriptionIdentifier: 3 } },
      { topic: 'v/y', properties: { subscriptionIdentifier: 3 } },
    ]);
  });

  it('Session Expiry is absent where the requested one applies, and Session Present is right [MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5, MQTT-3.1.2-4 v5, MQTT-3.1.2-5 v5, MQTT-3.1.2-6 v5, MQTT-3.1.2-23 v5, MQTT-3.1.3-2 v5, MQTT-3.1.4-4 v5, MQTT-4.1.0-2 v5]', async () => {
    const fields = { clientId: 'lives', clean: false, properties: { sessionExpiryInterval: 100 } };
    const present = async (clean = false) => {
      const client = await suite.connect({ ...fields, clean });
      expect(announced(client).sessionExpiryInterval).toBeUndefined();
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
      return client.connack.sessionPresent ?? false;
    };
    expect(await present()).toBe(false);
    await suite.advance(99);
    expect(await present()).toBe(true);
    await suite.advance(101);
    expect(await present()).toBe(false);
    expect(await present()).toBe(true);
    expect(await present(true)).toBe(false);
  });

  it('tells Session Present in 3.1.1, but not in 3.1 [MQTT-3.2.2-1 v3, MQTT-3.2.2-2 v3, MQTT-3.2.2-3 v3]', async () => {
    for (const [protocolVersion, expected] of [
      [4, true],
      [3, undefined],
    ] as const) {
      const fields = { clientId: `kept-${protocolVersion}`, clean: false, protocolVersion };
      const first = await suite.connect(fields);
      expect(first.connack).toEqual({ cmd: 'connack', returnCode: 0 });
      await first.exchange({ cmd: 'disconnect' });
      const second = await suite.connect(fields);
      expect(second.connack.sessionPresent).toBe(expected);
      await second.exchange({ cmd: 'disconnect' });
      const clean = await suite.connect({ ...fields, clean: true });
      expect(clean.connack).toEqual({ cmd: 'connack', returnCode: 0 });
    }
  });
});
