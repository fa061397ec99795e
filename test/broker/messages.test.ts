import { describe, expect, it } from 'vitest';
import { decodePackets } from '../../lib/mqtt/index.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const suite = useSuite();
const levels = [0, 1, 2] as const;
const versions = [3, 4, 5] as const;

async function subscriber(...filters: Parameters<typeof subscribe> extends [number, ...infer F] ? F : never) {
  const client = await suite.connect();
  await client.send(subscribe(1, ...filters));
  return client;
}

/** Completes a delivery with its acknowledgements. */
async function acknowledge(client: Connected, qos: number, messageId: number): Promise<void> {
  if (qos === 1) await client.send({ cmd: 'puback', messageId });
  if (qos !== 2) return;
  expect(await client.send({ cmd: 'pubrec', messageId })).toMatchObject([{ cmd: 'pubrel', messageId }]);
  expect(await client.send({ cmd: 'pubcomp', messageId })).toEqual([]);
}

describe('quality of service', () => {
  for (const protocolVersion of versions)
    for (const sent of levels)
      for (const granted of levels)
        it(`a message at QoS ${sent} to a subscription at QoS ${granted}, version ${protocolVersion} [MQTT-3.8.4-6 v3, MQTT-3.8.4-8 v5, MQTT-4.3.1-1 v3+v5, MQTT-2.2.1-5 v5, MQTT-4.3.2-2 v5, MQTT-4.3.3-2 v5, MQTT-4.3.3-4 v5]`, async () => {
          const from = await suite.connect({ protocolVersion });
          const to = await suite.connect({ protocolVersion });
          await to.send(subscribe(1, { topic: 'a/+', qos: granted }));
          const fields = sent === 0 ? {} : { messageId: 21 };
          const replies = await from.send(publish('a/b', suite.text('x'), { qos: sent, ...fields }));
          expect(replies.map(({ cmd, messageId }) => [cmd, messageId])).toEqual(
            sent === 0 ? [] : [[sent === 1 ? 'puback' : 'pubrec', 21]],
          );
          if (sent === 2)
            expect(await from.send({ cmd: 'pubrel', messageId: 21 })).toMatchObject([{ cmd: 'pubcomp' }]);
          const qos = Math.min(sent, granted);
          const [message, ...more] = await to.settle();
          expect(more).toEqual([]);
          expect(message).toEqual({
            cmd: 'publish',
            topic: 'a/b',
            payload: suite.text('x'),
            ...(qos === 0 ? {} : { qos, messageId: expect.any(Number) }),
          });
          await acknowledge(to, qos, Number(message?.messageId));
          expect(await to.settle()).toEqual([]);
        });

  it('a QoS 2 message that is sent twice is delivered once [MQTT-4.3.3-10 v5, MQTT-4.3.3-2 v3, MQTT-4.3.3-12 v5]', async () => {
    const to = await subscriber({ topic: 'twice', qos: 2 });
    const from = await suite.connect();
    const packet = publish('twice', suite.text('x'), { qos: 2, messageId: 3 });
    await from.send(packet);
    expect(await to.settle()).toHaveLength(1);
    await to.send({ cmd: 'pubrec', messageId: 1 });
    expect(await from.send({ ...packet, dup: true })).toMatchObject([{ cmd: 'pubrec', messageId: 3 }]);
    expect(await to.settle()).toHaveLength(0);
    expect(await from.send({ cmd: 'pubrel', messageId: 3 })).toMatchObject([
      { cmd: 'pubcomp', reasonCode: 0 },
    ]);
    // The identifier is free: the same packet is a new message.
    await from.send(packet);
    expect(await to.settle()).toHaveLength(1);
  });

  it('a QoS 2 message that is refused when it is sent again frees its packet identifier [MQTT-4.3.3-9 v5]', async () => {
    const grants = (topic: string) => ({ mqtt: { publish: [topic], subscribe: [topic] } });
    const method = { authenticationMethod: 'wisp-jwt' };
    const to = await subscriber({ topic: 'refused/+', qos: 2 });
    const from = await suite.connect({ claims: grants('refused/first'), properties: method });
    const first = publish('refused/first', suite.text('x'), { qos: 2, messageId: 3 });
    expect(await from.send(first)).toMatchObject([{ cmd: 'pubrec', reasonCode: 0 }]);
    await from.send({
      cmd: 'auth',
      reasonCode: 0x19,
      properties: {
        ...method,
        authenticationData: Buffer.from(await suite.mint(grants('refused/second'))),
      },
    });
    expect(await from.send({ ...first, dup: true })).toMatchObject([{ cmd: 'pubrec', reasonCode: 0x87 }]);
    const second = publish('refused/second', suite.text('y'), { qos: 2, messageId: 3 });
    expect(await from.send(second)).toMatchObject([{ cmd: 'pubrec', reasonCode: 0 }]);
    expect(await to.settle()).toMatchObject([{ topic: 'refused/first' }, { topic: 'refused/second' }]);
  });

  it('a QoS 1 message that is sent twice is two messages, both without DUP [MQTT-3.3.1-3 v3+v5, MQTT-4.3.2-2 v3, MQTT-4.3.2-5 v5]', async () => {
    const to = await subscriber({ topic: 'twice', qos: 1 });
    const from = await suite.connect();
    const packet = publish('twice', suite.text('x'), { qos: 1, messageId: 3 });
    await from.send(packet);
    await from.send({ ...packet, dup: true });
    const got = await to.settle();
    expect(got.map(({ dup }) => dup)).toEqual([undefined, undefined]);
    expect(new Set(got.map(({ messageId }) => messageId)).size).toBe(2);
  });

  it('clients of all versions exchange messages', async () => {
    const clients = await Promise.all(versions.map((protocolVersion) => suite.connect({ protocolVersion })));
    for (const client of clients) await client.send(subscribe(1, { topic: 'all', qos: 1 }));
    for (const [index, client] of clients.entries()) {
      await client.send(publish('all', suite.text(`${index}`), { qos: 1, messageId: 4 }));
      for (const one of clients)
        expect(await one.settle()).toMatchObject([{ topic: 'all', payload: suite.text(`${index}`) }]);
    }
  });

  it('a batch keeps the order of each QoS [MQTT-4.6.0-5 v3, MQTT-4.6.0-6 v3+v5, MQTT-4.6.0-5 v5]', async () => {
    const to = await subscriber({ topic: 'order/#', qos: 2 });
    const from = await suite.connect();
    const packets = Array.from({ length: 60 }, (_, index) => {
      const qos = levels[index % 3] ?? 0;
      return publish(`order/${index % 7}`, `${index}`, qos === 0 ? {} : { qos, messageId: index + 1 });
    });
    await from.send(...packets);
    const got = await to.take(60);
    for (const qos of levels)
      expect(got.filter((one) => (one.qos ?? 0) === qos).map(({ payload }) => Number(payload))).toEqual(
        Array.from({ length: 20 }, (_, index) => index * 3 + qos),
      );
  });
});

describe('subscriptions', () => {
  it('overlapping ones deliver a message once, at the highest QoS, with all identifiers [MQTT-3.3.4-2 v5, MQTT-3.3.4-3 v5, MQTT-3.3.4-4 v5]', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, { topic: 'o/#', qos: 0 }, { identifier: 268_435_455 }));
    await client.send(subscribe(2, { topic: 'o/+', qos: 2 }, { identifier: 2 }));
    await client.send(subscribe(3, { topic: 'o/x', qos: 1 }));
    const from = await suite.connect();
    await from.send(publish('o/x', suite.text('x'), { qos: 2, messageId: 1 }));
    const got = await client.settle();
    expect(got).toMatchObject([{ qos: 2, payload: suite.text('x') }]);
    const { subscriptionIdentifier } = (got[0]?.properties ?? {}) as { subscriptionIdentifier: number[] };
    expect([...subscriptionIdentifier].sort((a, b) => a - b)).toEqual([2, 268_435_455]);
  });

  it('overlapping ones deliver a message once in 3.1.1 [MQTT-3.3.5-1 v3]', async () => {
    const client = await suite.connect({ protocolVersion: 4 });
    await client.send(
      subscribe(1, { topic: 'o/#', qos: 0 }, { topic: 'o/+', qos: 1 }, { topic: '#', qos: 0 }),
    );
    const { pushes } = await client.exchange(publish('o/x', suite.text('x'), { qos: 1, messageId: 1 }));
    expect(pushes).toEqual([
      { cmd: 'publish', topic: 'o/x', payload: suite.text('x'), qos: 1, messageId: expect.any(Number) },
    ]);
  });

  it('a second one with the same filter replaces the first [MQTT-3.8.4-3 v3+v5]', async () => {
    const client = await subscriber({ topic: 'r/#', qos: 2 }, { identifier: 1 });
    await client.send(subscribe(2, { topic: 'r/#', qos: 0 }, { identifier: 9 }));
    const { pushes } = await client.exchange(publish('r/x', suite.text('x'), { qos: 2, messageId: 1 }));
    expect(pushes).toEqual([
      { cmd: 'publish', topic: 'r/x', payload: suite.text('x'), properties: { subscriptionIdentifier: 9 } },
    ]);
  });

  it('No Local withholds a client’s messages from that client only [MQTT-3.8.3-3 v5]', async () => {
    const local = await subscriber({ topic: 'n', qos: 0, nl: true });
    const other = await subscriber({ topic: 'n', qos: 0, nl: true });
    expect((await local.exchange(publish('n', suite.text('x')))).pushes).toEqual([]);
    expect(await other.settle()).toHaveLength(1);
    // A second subscription of the same client without No Local still matches.
    await local.send(subscribe(2, { topic: 'n/#', qos: 0 }));
    expect((await local.exchange(publish('n', suite.text('x')))).pushes).toHaveLength(1);
  });

  it('wildcard shapes over the quota are refused with 0x97, known ones are accepted', async () => {
    const mint = await suite.tenant('shapes');
    const fields = { username: mint.tenant, token: await mint({ exp: undefined }) };
    // One client may have 16 shapes.
    const clients = [];
    for (const clientId of ['a', 'b', 'c', 'd', 'e']) {
      const client = await suite.open();
      await client.send(await suite.connectPacket({ ...fields, clientId }));
      clients.push(client);
    }
    const [client] = clients as [(typeof clients)[number]];
    const shape = (index: number): string =>
      [...index.toString(2).padStart(7, '0')].map((bit) => (bit === '1' ? '+' : 'x')).join('/');
    const codes = [];
    for (let index = 1; index <= 70; index += 1) {
      const [suback] =
        (await clients[Math.floor((index - 1) / 14)]?.send(subscribe(index, shape(index)))) ?? [];
      codes.push(...((suback?.granted ?? []) as number[]));
    }
    expect(codes).toEqual([...Array.from({ length: 64 }, () => 0), ...Array.from({ length: 6 }, () => 0x97)]);
    // The shape is known; its literal levels do not matter.
    expect(await client.send(subscribe(1, shape(3), shape(3).replaceAll('x', 'y')))).toMatchObject([
      { granted: [0, 0] },
    ]);
    const old = await suite.open({ version: 4 });
    await old.send(await suite.connectPacket({ ...fields, protocolVersion: 4, clientId: 'old' }));
    expect(await old.send(subscribe(1, shape(99)))).toEqual([
      { cmd: 'suback', messageId: 1, granted: [0x80] },
    ]);
    expect((await client.exchange(publish('x/x/x/x/x/x/a', suite.text('x')))).pushes).toHaveLength(1);
  });
});

describe('properties of 5.0', () => {
  it('those of the message arrive unaltered [MQTT-3.3.2-4 v5, MQTT-3.3.2-15 v5, MQTT-3.3.2-16 v5, MQTT-3.3.2-20 v5]', async () => {
    const to = await subscriber({ topic: 'p', qos: 1 });
    const old = await suite.connect({ protocolVersion: 4 });
    await old.send(subscribe(1, { topic: 'p', qos: 1 }));
    const from = await suite.connect();
    const properties = {
      payloadFormatIndicator: true,
      contentType: 'text/plain; charset=utf-8',
      responseTopic: 'replies/to/me',
      correlationData: Buffer.from(`id ${suite.secret}`),
    };
    await from.send(publish('p', suite.text('ü'), { qos: 1, messageId: 1, properties }));
    expect(await to.settle()).toEqual([
      {
        cmd: 'publish',
        qos: 1,
        messageId: expect.any(Number),
        topic: 'p',
        payload: suite.text('ü'),
        properties: { ...properties, correlationData: `id ${suite.secret}` },
      },
    ]);
    expect(await old.settle()).toEqual([
      { cmd: 'publish', qos: 1, messageId: expect.any(Number), topic: 'p', payload: suite.text('ü') },
    ]);
  });

  it('user properties keep their order, including repeated names [MQTT-3.3.2-17 v5, MQTT-3.3.2-18 v5]', async () => {
    const to = await subscriber({ topic: 'u', qos: 1 });
    const from = await suite.connect();
    const userProperties = [
      ['b', suite.secret],
      ['a', '1'],
      ['b', '2'],
      ['a', '3'],
      ['', ''],
      ['__proto__', 'x'],
      ['a', '1'],
    ] as const;
    await from.send(publish('u', suite.text('x'), { qos: 1, messageId: 1, properties: { userProperties } }));
    await from.send(publish('u', suite.text('x'), { retain: true, properties: { userProperties } }));
    await to.take(2);
    await to.send(subscribe(2, 'u'));
    await to.take(1);
    for (const bytes of to.pushedBytes) {
      const [packet] = decodePackets(bytes, 5).packets;
      expect(packet).toMatchObject({ cmd: 'publish', properties: { userProperties } });
    }
    expect(to.pushedBytes).toHaveLength(3);
  });

  it('a response returns over the response topic', async () => {
    const server = await subscriber('service');
    const client = await subscriber('answers/1');
    await client.send(
      publish('service', suite.text('ask'), {
        properties: { responseTopic: 'answers/1', correlationData: Buffer.from('42') },
      }),
    );
    const [request] = await server.settle();
    const { responseTopic, correlationData } = (request?.properties ?? {}) as Record<string, string>;
    await server.send(
      publish(responseTopic ?? '', suite.text('answer'), {
        properties: { correlationData: Buffer.from(correlationData ?? '') },
      }),
    );
    expect(await client.settle()).toEqual([
      {
        cmd: 'publish',
        topic: 'answers/1',
        payload: suite.text('answer'),
        properties: { correlationData: '42' },
      },
    ]);
  });

  it('subscribers get the remaining message expiry [MQTT-3.3.2-6 v5]', async () => {
    const to = await subscriber({ topic: 'e', qos: 1 });
    const from = await suite.connect();
    const packet = publish('e', suite.text('x'), {
      qos: 1,
      messageId: 1,
      retain: true,
      properties: { messageExpiryInterval: 100 },
    });
    await from.send(packet);
    expect(await to.settle()).toMatchObject([{ properties: { messageExpiryInterval: 100 } }]);
    await suite.advance(40);
    const { pushes } = await to.exchange(subscribe(2, 'e'));
    expect(pushes).toMatchObject([{ retain: true, properties: { messageExpiryInterval: 60 } }]);
  });

  it('an expired message is not delivered, neither from a queue nor as a retained message [MQTT-3.3.2-5 v5]', async () => {
    const fields = { clientId: 'sleeper', clean: false, properties: { sessionExpiryInterval: 3_600 } };
    const sleeper = await suite.connect(fields);
    await sleeper.send(subscribe(1, { topic: 'expired/#', qos: 1 }));
    await sleeper.close();
    await suite.released();
    const from = await suite.connect();
    const send = (topic: string, seconds: number) =>
      from.send(
        publish(topic, suite.text(topic), {
          qos: 1,
          messageId: 1,
          retain: true,
          properties: { messageExpiryInterval: seconds },
        }),
      );
    await send('expired/short', 50);
    await send('expired/long', 500);
    await suite.advance(100);
    const woken = await suite.connect(fields);
    expect([...woken.waited, ...(await woken.settle())]).toMatchObject([
      { topic: 'expired/long', properties: { messageExpiryInterval: 400 } },
    ]);
    const { pushes } = await from.exchange(subscribe(2, 'expired/#', 'expired/short', 'expired/long'));
    expect(pushes.map(({ topic }) => topic)).toEqual(['expired/long', 'expired/long']);
  });

  it('an alias lasts for its connection only [MQTT-3.3.2-7 v5]', async () => {
    const to = await subscriber('long/name');
    const from = await suite.connect();
    await from.send(publish('long/name', suite.text('1'), { properties: { topicAlias: 1 } }));
    await from.send(publish('', suite.text('2'), { properties: { topicAlias: 1 } }));
    expect(await to.settle()).toMatchObject([{ payload: suite.text('1') }, { payload: suite.text('2') }]);
    const other = await suite.connect();
    const { pushes } = await other.exchange(publish('', suite.text('3'), { properties: { topicAlias: 1 } }));
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x82 }]);
    await from.send(publish('other', suite.text('4'), { properties: { topicAlias: 1 } }));
    await from.send(publish('', suite.text('5'), { properties: { topicAlias: 1 } }));
    expect(await to.settle()).toEqual([]);
  });

  it('aliases are sent only to clients that accept them, each set before it is used [MQTT-3.1.2-26 v5, MQTT-3.1.2-27 v5, MQTT-3.3.2-11 v5]', async () => {
    const takes = await suite.connect({ properties: { topicAliasMaximum: 1 } });
    const takesNone = await suite.connect();
    for (const client of [takes, takesNone]) await client.send(subscribe(1, 'alias/#'));
    const from = await suite.connect();
    await from.send(
      ...['alias/a', 'alias/a', 'alias/b', 'alias/b', 'alias/a'].map((topic) =>
        publish(topic, suite.text(topic)),
      ),
    );
    const resolve = new Map<number, string>();
    const got = await takes.take(5);
    const topics = got.map(({ topic, properties }) => {
      const alias = (properties as { topicAlias?: number } | undefined)?.topicAlias;
      if (alias === undefined) return topic;
      expect(alias).toBe(1);
      if (topic) resolve.set(alias, String(topic));
      return resolve.get(alias);
    });
    expect(topics).toEqual(['alias/a', 'alias/a', 'alias/b', 'alias/b', 'alias/a']);
    expect(got.filter(({ topic }) => topic === '')).toHaveLength(2);
    expect((await takesNone.take(5)).map(({ topic, properties }) => [topic, properties])).toEqual(
      ['alias/a', 'alias/a', 'alias/b', 'alias/b', 'alias/a'].map((topic) => [topic, undefined]),
    );
  });
});

describe('announced limits', () => {
  it('a message over the Maximum Packet Size of a client is dropped for that client only [MQTT-3.1.2-24 v5, MQTT-3.1.2-25 v5]', async () => {
    const small = await suite.connect({ properties: { maximumPacketSize: 60 } });
    const large = await suite.connect();
    for (const client of [small, large])
      await client.send(subscribe(1, { topic: 'zero', qos: 0 }, { topic: 'one', qos: 1 }));
    const from = await suite.connect();
    await from.send(publish('zero', suite.secret.repeat(5)), publish('zero', suite.secret));
    await from.send(
      publish('one', suite.secret.repeat(5), { qos: 1, messageId: 1 }),
      publish('one', suite.secret, { qos: 1, messageId: 2 }),
    );
    expect(await large.settle()).toHaveLength(4);
    expect((await small.settle()).map(({ topic, payload }) => [topic, payload])).toEqual([
      ['zero', suite.secret],
      ['one', suite.secret],
    ]);
    for (const bytes of small.pushedBytes) expect(bytes.length).toBeLessThanOrEqual(60);
  });

  it('a reason string that exceeds the Maximum Packet Size is left out [MQTT-3.14.2-3 v5]', async () => {
    const small = await suite.connect({ properties: { maximumPacketSize: 20 } });
    const { pushes, closed } = await small.exchange(publish('a/+', suite.secret));
    expect(pushes).toEqual([{ cmd: 'disconnect', reasonCode: 0x90 }]);
    expect(closed).toBeDefined();
  });

  it('no reason string without request problem information, except in CONNACK and DISCONNECT [MQTT-3.1.2-29 v5]', async () => {
    const claims = { mqtt: { publish: [], subscribe: [] } };
    const client = await suite.connect({ claims, properties: { requestProblemInformation: false } });
    const replies = await client.send(
      publish('no', suite.text('x'), { qos: 1, messageId: 1 }),
      subscribe(2, 'no', 'x'.repeat(1_100)),
    );
    expect(replies).toEqual([
      { cmd: 'puback', messageId: 1, reasonCode: 0x87 },
      { cmd: 'suback', messageId: 2, granted: [0x87, 0x8f] },
    ]);
  });

  it('a client gets no more unacknowledged messages than its Receive Maximum [MQTT-3.3.4-9 v5, MQTT-4.9.0-1 v5, MQTT-4.9.0-2 v5]', async () => {
    const client = await suite.connect({ properties: { receiveMaximum: 2 } });
    await client.send(subscribe(1, { topic: 'f', qos: 2 }));
    const from = await suite.connect();
    for (let index = 1; index <= 6; index += 1) {
      const qos = index % 2 === 0 ? 1 : 2;
      await from.send(publish('f', `${index}`, { qos, messageId: index }));
      if (qos === 2) await from.send({ cmd: 'pubrel', messageId: index });
    }
    const seen: unknown[] = [];
    for (let round = 0; round < 6; round += 1) {
      const got = await client.settle();
      expect(got.length).toBe(round === 0 ? 2 : round === 5 ? 0 : 1);
      seen.push(...got);
      const [first] = seen.slice(round) as { qos: number; messageId: number }[];
      if (first === undefined) break;
      await acknowledge(client, first.qos, first.messageId);
    }
    expect((seen as { payload: string }[]).map(({ payload }) => payload)).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
  });

  it('QoS 0 passes a full window', async () => {
    const client = await suite.connect({ properties: { receiveMaximum: 1 } });
    await client.send(subscribe(1, { topic: 'f', qos: 1 }));
    const from = await suite.connect();
    await from.send(publish('f', '1', { qos: 1, messageId: 1 }), publish('f', '2', { qos: 1, messageId: 2 }));
    await from.send(publish('f', '3'));
    expect((await client.settle()).map(({ payload }) => payload)).toEqual(['1', '3']);
  });

  it('a client that exceeds the server’s Receive Maximum is disconnected with 0x93 [MQTT-3.3.4-7 v5]', async () => {
    const client = await suite.connect();
    const packets = Array.from({ length: 1_000 }, (_, index) =>
      publish('n', 'x', { qos: 2, messageId: index + 1 }),
    );
    for (let at = 0; at < 1_000; at += 250)
      expect(await client.send(...packets.slice(at, at + 250))).toHaveLength(250);
    // Retransmitted messages count once.
    expect(await client.send({ ...publish('n', 'x', { qos: 2, messageId: 1 }), dup: true })).toHaveLength(1);
    const { pushes, closed } = await client.exchange(publish('n', 'x', { qos: 2, messageId: 1_001 }));
    expect(closed).toBeDefined();
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x93 }]);
  });
});
