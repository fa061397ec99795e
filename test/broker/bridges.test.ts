/** Brokers that connect as a bridge: bit 7 of the protocol level, as Mosquitto sets it. */
import { describe, expect, it } from 'vitest';
import { encodePacket } from '../../lib/mqtt/index.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

const suite = useSuite();
const bridgeMode = true;

describe.each([3, 4] as const)('a bridge with protocol version %i', (protocolVersion) => {
  const topic = `bridged/${protocolVersion}/x`;

  it('gets no message back that it has published, but those of others', async () => {
    const bridge = await suite.connect({ protocolVersion, bridgeMode });
    await bridge.send(subscribe(1, { topic, qos: 1 }));
    const own = await bridge.exchange(publish(topic, suite.text('own'), { qos: 1, messageId: 1 }));
    expect(own).toMatchObject({ replies: [{ cmd: 'puback' }], pushes: [] });
    const other = await suite.connect();
    await other.send(publish(topic, suite.text('other')));
    expect(await bridge.take(1)).toMatchObject([{ topic, payload: suite.text('other') }]);
  });

  it('gets the retain flag as it was published', async () => {
    const bridge = await suite.connect({ protocolVersion, bridgeMode });
    await bridge.send(subscribe(1, topic));
    const other = await suite.connect();
    await other.send(
      publish(topic, suite.text('kept'), { retain: true }),
      publish(topic, suite.text('passing')),
    );
    expect(await bridge.take(2)).toEqual([
      { cmd: 'publish', topic, payload: suite.text('kept'), retain: true },
      { cmd: 'publish', topic, payload: suite.text('passing') },
    ]);
  });
});

describe('a bridge', () => {
  it('gets its own messages through a shared subscription', async () => {
    const bridge = await suite.connect({ protocolVersion: 4, bridgeMode });
    await bridge.send(subscribe(1, '$share/s/bridged/shared'));
    const { pushes } = await bridge.exchange(publish('bridged/shared', suite.text('own')));
    expect(pushes).toMatchObject([{ payload: suite.text('own') }]);
  });

  it('may connect and subscribe in one frame', async () => {
    const client = await suite.open({ version: 4 });
    const packet = await suite.connectPacket({ protocolVersion: 4, bridgeMode });
    const { replies } = await client.exchange(packet, subscribe(1, 'bridged/one', '$share/s/bridged/one'));
    expect(replies).toMatchObject([
      { cmd: 'connack', returnCode: 0 },
      { cmd: 'suback', granted: [0, 0] },
    ]);
    expect((await client.exchange(publish('bridged/one', suite.text('own')))).pushes).toHaveLength(1);
  });

  it('chooses the options itself in 5.0', async () => {
    // mqtt-packet writes the bit before 5.0 only.
    const bytes = encodePacket(await suite.connectPacket(), 5);
    const levelAt = bytes.indexOf('MQTT') + 4;
    bytes[levelAt] = 0x85;
    const bridge = await suite.open();
    await bridge.send(bytes.toString('hex'), subscribe(1, 'bridged/5'));
    const { pushes } = await bridge.exchange(publish('bridged/5', suite.text('own'), { retain: true }));
    expect(pushes).toEqual([{ cmd: 'publish', topic: 'bridged/5', payload: suite.text('own') }]);
    await bridge.send(publish('bridged/5', '', { retain: true }));
  });
});
