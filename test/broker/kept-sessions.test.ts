import { describe, expect, it } from 'vitest';
import type { Got } from '../support/raw-client.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';
import { type Connected, type ConnectFields, useSuite } from './suite.ts';

const suite = useSuite();
const versions = [3, 4, 5] as const;
type Version = (typeof versions)[number];

/** A CONNECT that asks for a persistent session. */
function kept(clientId: string, protocolVersion: Version): ConnectFields {
  return {
    clientId: `${clientId}-${protocolVersion}`,
    protocolVersion,
    clean: false,
    ...(protocolVersion === 5 ? { properties: { sessionExpiryInterval: 600 } } : {}),
  };
}

/** All packets that came with and after CONNACK. */
async function arrived(client: Connected): Promise<Got[]> {
  return [...client.waited, ...(await client.settle())];
}

const brief = (got: readonly Got[]) =>
  got.map(({ cmd, payload, dup, messageId }) => [cmd, payload, dup, messageId]);

describe.each(versions)('a persistent session, version %i', (protocolVersion) => {
  const topicOf = (name: string): string => `${name}-${protocolVersion}/x`;

  async function leave(client: Connected, ...staying: readonly Connected[]): Promise<void> {
    await client.exchange({ cmd: 'disconnect' });
    await suite.released(...staying);
  }

  it('keeps its subscriptions and messages at QoS 1 and 2 over several connections [MQTT-3.1.2-4 v3, MQTT-3.1.2-5 v3, MQTT-3.1.2-23 v5, MQTT-3.1.3-2 v3+v5, MQTT-4.1.0-1 v3, MQTT-4.5.0-1 v3+v5]', async () => {
    const fields = kept('away', protocolVersion);
    const topic = topicOf('away');
    const first = await suite.connect(fields);
    await first.send(subscribe(1, { topic, qos: 2 }));
    await leave(first);
    await leave(await suite.connect(fields));
    const from = await suite.connect();
    await from.send(
      publish(topic, suite.text('one'), { qos: 1, messageId: 1 }),
      publish(topic, suite.text('two'), { qos: 2, messageId: 2 }),
    );
    const back = await suite.connect(fields);
    expect((await arrived(back)).map(({ payload, qos }) => [payload, qos])).toEqual([
      [suite.text('one'), 1],
      [suite.text('two'), 2],
    ]);
    await from.send(publish(topic, suite.text('three'), { qos: 1, messageId: 1 }));
    expect(await back.settle()).toMatchObject([{ payload: suite.text('three') }]);
    // Another client identifier has another session.
    const other = await suite.connect({ ...fields, clientId: `${fields.clientId}-other` });
    expect(await arrived(other)).toEqual([]);
  });

  it('sends unacknowledged messages again, in order, with DUP and the same identifiers [MQTT-3.3.1-1 v3+v5, MQTT-4.3.2-1 v3, MQTT-4.3.2-3 v5, MQTT-4.4.0-1 v3+v5, MQTT-4.6.0-1 v3]', async () => {
    const fields = kept('again', protocolVersion);
    const topic = topicOf('again');
    const first = await suite.connect(fields);
    await first.send(subscribe(1, { topic, qos: 2 }));
    const from = await suite.connect();
    const texts = ['0', '1', '2', '3'].map((one) => suite.text(one));
    await from.send(
      ...texts.map((text, index) =>
        publish(topic, text, { qos: index % 2 === 0 ? 1 : 2, messageId: index + 1 }),
      ),
    );
    const sent = await first.settle();
    expect(sent.map(({ payload, dup }) => [payload, dup])).toEqual(texts.map((text) => [text, undefined]));
    const identifiers = sent.map(({ messageId }) => messageId);
    expect(new Set(identifiers).size).toBe(4);
    await first.send({ cmd: 'puback', messageId: Number(identifiers[0]) });
    // Nothing is retransmitted on the same connection.
    expect(await first.settle()).toEqual([]);
    await suite.cut(first);
    const back = await suite.connect(fields);
    expect(brief(await arrived(back))).toEqual(
      [1, 2, 3].map((index) => ['publish', texts[index], true, identifiers[index]]),
    );
    await back.send({ cmd: 'puback', messageId: Number(identifiers[2]) });
    for (const index of [1, 3]) {
      await back.send({ cmd: 'pubrec', messageId: Number(identifiers[index]) });
      await back.send({ cmd: 'pubcomp', messageId: Number(identifiers[index]) });
    }
    await suite.cut(back);
    expect(await arrived(await suite.connect(fields))).toEqual([]);
  });

  it('sends PUBREL again instead of PUBLISH after PUBREC, in the order of the PUBRECs [MQTT-4.3.3-1 v3, MQTT-4.3.3-4 v5, MQTT-4.3.3-5 v5, MQTT-4.3.3-6 v5, MQTT-4.4.0-1 v3+v5, MQTT-4.6.0-4 v3]', async () => {
    const fields = kept('released', protocolVersion);
    const topic = topicOf('released');
    const first = await suite.connect(fields);
    await first.send(subscribe(1, { topic, qos: 2 }));
    const from = await suite.connect();
    await from.send(...[1, 2, 3].map((messageId) => publish(topic, `${messageId}`, { qos: 2, messageId })));
    const identifiers = (await first.settle()).map(({ messageId }) => Number(messageId));
    const pubrecs = identifiers.map((messageId) => ({ cmd: 'pubrec', messageId }) as const);
    expect((await first.send(...pubrecs)).map(({ cmd, messageId }) => [cmd, messageId])).toEqual(
      identifiers.map((messageId) => ['pubrel', messageId]),
    );
    await first.send({ cmd: 'pubcomp', messageId: identifiers[0] ?? 0 });
    await suite.cut(first);
    const back = await suite.connect(fields);
    expect((await arrived(back)).map(({ cmd, messageId }) => [cmd, messageId])).toEqual(
      identifiers.slice(1).map((messageId) => ['pubrel', messageId]),
    );
    await back.send(...identifiers.slice(1).map((messageId) => ({ cmd: 'pubcomp', messageId }) as const));
    await suite.cut(back);
    expect(await arrived(await suite.connect(fields))).toEqual([]);
  });

  it('remembers received QoS 2 messages, and delivers none of them twice [MQTT-4.3.3-2 v3, MQTT-4.3.3-10 v5]', async () => {
    const fields = kept('received', protocolVersion);
    const topic = topicOf('received');
    const to = await suite.connect();
    await to.send(subscribe(1, { topic, qos: 2 }));
    const packet = publish(topic, suite.text('x'), { qos: 2, messageId: 9 });
    const first = await suite.connect(fields);
    await first.send(packet);
    expect(await to.settle()).toHaveLength(1);
    await to.send({ cmd: 'pubrec', messageId: 1 });
    await suite.cut(first);
    const back = await suite.connect(fields);
    expect(await back.send({ ...packet, dup: true })).toMatchObject([{ cmd: 'pubrec', messageId: 9 }]);
    expect(await back.send({ cmd: 'pubrel', messageId: 9 })).toMatchObject([
      { cmd: 'pubcomp', messageId: 9 },
    ]);
    expect(await to.settle()).toHaveLength(0);
  });

  it('is deleted when its client asks for a clean session, which ends with its connection [MQTT-3.1.2-4 v5, MQTT-3.1.2-6 v3, MQTT-3.1.4-3 v3, MQTT-3.1.4-4 v5]', async () => {
    const fields = kept('cleaned', protocolVersion);
    const topic = topicOf('cleaned');
    const first = await suite.connect(fields);
    await first.send(subscribe(1, { topic, qos: 1 }));
    const from = await suite.connect();
    const { properties: _, ...bare } = fields;
    await leave(first, from);
    await from.send(publish(topic, suite.text('old'), { qos: 1, messageId: 1 }));
    const clean = await suite.connect({ ...bare, clean: true });
    expect(clean.connack.sessionPresent).toBeUndefined();
    await from.send(publish(topic, suite.text('new'), { qos: 1, messageId: 1 }));
    expect(await arrived(clean)).toEqual([]);
    await clean.send(subscribe(1, { topic, qos: 1 }));
    await leave(clean, from);
    await from.send(publish(topic, suite.text('later'), { qos: 1, messageId: 1 }));
    const after = await suite.connect(fields);
    expect(after.connack.sessionPresent).toBeUndefined();
    expect(await arrived(after)).toEqual([]);
  });

  it('lasts at least as long as its connection [MQTT-4.1.0-1 v5, MQTT-4.1.0-2 v3]', async () => {
    const topic = topicOf('lasts');
    const client = await suite.connect({ protocolVersion, clean: true });
    await client.send(subscribe(1, { topic, qos: 1 }));
    for (let minutes = 0; minutes < 30; minutes += 5) {
      await suite.advance(300);
      expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    }
    const from = await suite.connect();
    await from.send(publish(topic, suite.text('x'), { qos: 1, messageId: 1 }));
    expect(await client.settle()).toHaveLength(1);
  });

  it('completes deliveries that began before UNSUBSCRIBE [MQTT-3.10.4-3 v3+v5]', async () => {
    const fields = kept('begun', protocolVersion);
    const topic = topicOf('begun');
    const client = await suite.connect(fields);
    await client.send(subscribe(1, { topic, qos: 2 }));
    const from = await suite.connect();
    await from.send(
      publish(topic, suite.text('one'), { qos: 1, messageId: 1 }),
      publish(topic, suite.text('two'), { qos: 2, messageId: 2 }),
    );
    const [one, two] = (await client.settle()).map(({ messageId }) => Number(messageId));
    await client.send(unsubscribe(2, topic));
    expect(await client.send({ cmd: 'pubrec', messageId: two ?? 0 })).toMatchObject([
      { cmd: 'pubrel', messageId: two },
    ]);
    await suite.cut(client);
    const back = await suite.connect(fields);
    expect((await arrived(back)).map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ['pubrel', two],
      ['publish', one],
    ]);
  });

  it('assigns no packet identifier that is in use [MQTT-2.3.1-4 v3, MQTT-2.2.1-4 v5, MQTT-4.3.2-1 v5, MQTT-4.3.3-1 v5]', async () => {
    const topic = topicOf('identifiers');
    const client = await suite.connect({ protocolVersion });
    await client.send(subscribe(1, { topic, qos: 2 }));
    const from = await suite.connect();
    const send = async (count: number): Promise<number[]> => {
      await from.send(
        ...Array.from({ length: count }, (_, index) => publish(topic, 'x', { qos: 1, messageId: index + 1 })),
      );
      return (await client.settle()).map(({ messageId }) => Number(messageId));
    };
    const held = await send(10);
    for (const messageId of held.slice(0, 5)) await client.send({ cmd: 'puback', messageId });
    const all = [...held.slice(5), ...(await send(10))];
    expect(all).toHaveLength(15);
    expect(new Set(all).size).toBe(15);
    expect(all).not.toContain(0);
  });
});
