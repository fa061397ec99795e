import { describe, expect, it } from 'vitest';
import { publish, subscribe, unsubscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const suite = useSuite();

async function member(filter: string, qos: 0 | 1 | 2 = 0, protocolVersion: 4 | 5 = 5): Promise<Connected> {
  const client = await suite.connect({ protocolVersion });
  expect(await client.send(subscribe(1, { topic: filter, qos }))).toMatchObject([{ granted: [qos] }]);
  return client;
}

async function publishMany(from: Connected, topic: string, count: number, qos: 0 | 1 = 1): Promise<void> {
  await from.send(
    ...Array.from({ length: count }, (_, index) =>
      publish(topic, `${index}`, qos === 0 ? {} : { qos, messageId: index + 1 }),
    ),
  );
}

const numbers = (got: readonly { payload?: unknown }[]): number[] =>
  got.map(({ payload }) => Number(payload));

describe('shared subscriptions', () => {
  it.each([4, 5] as const)(
    'deliver each message to one member, in order, and to all ordinary subscribers, version %i',
    async (protocolVersion) => {
      const members = await Promise.all([1, 2, 3].map(() => member('$share/g/s/+', 1, protocolVersion)));
      const ordinary = await member('s/x', 1);
      await publishMany(await suite.connect(), 's/x', 60);
      const got = await Promise.all(members.map(async (client) => numbers(await client.settle())));
      for (const one of got) expect(one).toEqual([...one].sort((a, b) => a - b));
      expect(got.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index));
      // 60 draws among three members: the probability that one gets none is below 1 in 10 billion.
      for (const one of got) expect(one.length).toBeGreaterThan(0);
      expect(await ordinary.settle()).toHaveLength(60);
    },
  );

  it('of different shares each get every message', async () => {
    const [g, h] = [await member('$share/g/t'), await member('$share/h/t')];
    await publishMany(await suite.connect(), 't', 10, 0);
    expect(numbers(await g.settle())).toHaveLength(10);
    expect(numbers(await h.settle())).toHaveLength(10);
  });

  it('and an ordinary one of the same client each deliver a copy', async () => {
    const client = await member('$share/g/both');
    await client.send(subscribe(2, 'both'));
    expect((await client.exchange(publish('both', suite.text('x')))).pushes).toHaveLength(2);
    await client.send(unsubscribe(3, '$share/g/both'));
    expect((await client.exchange(publish('both', suite.text('x')))).pushes).toHaveLength(1);
  });

  it('have the QoS of the member [MQTT-4.8.2-3 v5]', async () => {
    const client = await member('$share/q/q', 0);
    const { pushes } = await client.exchange(publish('q', suite.text('x'), { qos: 1, messageId: 1 }));
    expect(pushes).toEqual([{ cmd: 'publish', topic: 'q', payload: suite.text('x') }]);
  });

  it('prefer online members, and queue messages for an offline one where there is none', async () => {
    const fields = { clientId: 'sleeping-member', clean: false, properties: { sessionExpiryInterval: 600 } };
    const sleeper = await suite.connect(fields);
    await sleeper.send(subscribe(1, { topic: '$share/w/w', qos: 1 }));
    await sleeper.close();
    await suite.released();
    const online = await member('$share/w/w', 1);
    const from = await suite.connect();
    await publishMany(from, 'w', 20);
    const got = await online.settle();
    expect(got).toHaveLength(20);
    await online.send(
      ...got.map(({ messageId }) => ({ cmd: 'puback' as const, messageId: Number(messageId) })),
    );
    await online.exchange({ cmd: 'disconnect', reasonCode: 0 });
    await publishMany(from, 'w', 5);
    const woken = await suite.connect(fields);
    expect(numbers([...woken.waited, ...(await woken.settle())])).toEqual([0, 1, 2, 3, 4]);
  });

  it('hand the unacknowledged messages of a member to another when its session ends', async () => {
    const vanishing = await member('$share/v/v', 1);
    const from = await suite.connect();
    await publishMany(from, 'v', 5);
    expect(await vanishing.settle()).toHaveLength(5);
    const other = await member('$share/v/v', 1);
    await vanishing.exchange({ cmd: 'disconnect', reasonCode: 0 });
    expect(numbers(await other.settle())).toEqual([0, 1, 2, 3, 4]);
  });

  it('of a client that has unsubscribed get nothing', async () => {
    const [one, two] = [await member('$share/u/u'), await member('$share/u/u')];
    await one.send(unsubscribe(2, '$share/u/u'));
    await publishMany(await suite.connect(), 'u', 10, 0);
    expect(await one.settle()).toEqual([]);
    expect(await two.settle()).toHaveLength(10);
  });

  it('have subscription identifiers', async () => {
    const client = await suite.connect();
    await client.send(subscribe(1, '$share/i/i', { identifier: 5 }));
    expect((await client.exchange(publish('i', suite.text('x')))).pushes).toMatchObject([
      { properties: { subscriptionIdentifier: 5 } },
    ]);
  });
});
