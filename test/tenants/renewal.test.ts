import { expect, test } from 'vitest';
import { publish, subscribe } from '../broker/packets.ts';
import { type Connected, useSuite } from '../broker/suite.ts';

const suite = useSuite();
const method = { authenticationMethod: 'wisp-jwt' };

/** Connects by enhanced authentication, so that AUTH can renew the token. */
async function connectRenewable(claims: Record<string, unknown>, fields = {}): Promise<Connected> {
  return suite.connect({ claims, properties: { ...method, sessionExpiryInterval: 3600 }, ...fields });
}

async function authPacket(claims: Record<string, unknown>) {
  const token = await suite.mint({ exp: undefined, ...claims });
  return {
    cmd: 'auth',
    reasonCode: 0x19,
    properties: { ...method, authenticationData: Buffer.from(token) },
  } as const;
}

const grants = (publishing: string[], subscribing: string[]) => ({
  mqtt: { publish: publishing, subscribe: subscribing },
});

test('AUTH: the new permissions to publish apply at once, the old ones no longer', async () => {
  const client = await connectRenewable(grants(['old'], []));
  const replies = await client.send(
    await authPacket(grants(['new'], [])),
    publish('old', suite.text('a'), { qos: 1, messageId: 1 }),
    publish('new', suite.text('b'), { qos: 1, messageId: 2 }),
  );
  expect(replies).toEqual([
    { cmd: 'auth', reasonCode: 0, properties: method },
    { cmd: 'puback', messageId: 1, reasonCode: 0x87 },
    { cmd: 'puback', messageId: 2, reasonCode: 0x10 },
  ]);
});

test('AUTH: subscriptions that are no longer allowed are removed, others stay, and the client is told', async () => {
  const client = await connectRenewable(grants([], ['#']));
  const publisher = await suite.connect();
  await client.send(subscribe(1, 'a/+', '$share/group/b', 'c/1'));
  const replies = await client.send(await authPacket(grants([], ['c/#'])));
  expect(replies).toMatchObject([
    { properties: { reasonString: expect.stringMatching(/^2 subscriptions/) } },
  ]);
  await publisher.send(
    ...['a/1', 'b', 'c/1'].map((topic, index) =>
      publish(topic, suite.text(topic), { qos: 1, messageId: index + 1 }),
    ),
  );
  expect(await client.settle()).toMatchObject([{ topic: 'c/1' }]);
  expect(await client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a/+', 'c/1'] })).toEqual([
    { cmd: 'unsuback', messageId: 2, granted: [0x11, 0] },
  ]);
});

test('a subscription is judged by its QoS: rules may allow some levels only', async () => {
  const rule = (qos: number[]) => ({
    mqtt: undefined,
    acl: [{ permission: 'allow', action: 'subscribe', topic: '#', qos }],
  });
  const client = await connectRenewable(rule([0, 1]));
  await client.send(subscribe(1, { topic: 'a', qos: 0 }, { topic: 'b', qos: 1 }));
  await client.send(await authPacket(rule([0])));
  expect(await client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['a', 'b'] })).toEqual([
    { cmd: 'unsuback', messageId: 2, granted: [0, 0x11] },
  ]);
});

test('AUTH: a Will that is no longer allowed is not published', async () => {
  const will = { topic: 'gone', payload: Buffer.from(suite.text('will')), qos: 0, retain: false } as const;
  const watcher = await suite.connect();
  await watcher.send(subscribe(1, 'gone'));
  const forbidden = await connectRenewable(grants(['gone'], []), { will });
  const allowed = await connectRenewable(grants(['gone'], []), { will });
  await forbidden.send(await authPacket(grants(['other'], [])));
  await allowed.send(await authPacket(grants(['gone'], [])));
  await suite.cut(forbidden);
  expect(await watcher.settle()).toEqual([]);
  await suite.cut(allowed);
  expect(await watcher.settle()).toMatchObject([{ topic: 'gone' }]);
});

test('a session resumed with fewer permissions loses subscriptions and their queued messages before CONNACK', async () => {
  const publisher = await suite.connect();
  const before = await connectRenewable(grants([], ['#']), { clientId: 'resumed', clean: false });
  await before.send(subscribe(1, { topic: 'a/#', qos: 1 }, { topic: 'a/b', qos: 1 }, { topic: 'c', qos: 1 }));
  await suite.cut(before);
  for (const topic of ['a/x', 'a/b', 'c'])
    await publisher.send(publish(topic, suite.text(topic), { qos: 1, messageId: 1 }));

  const after = await connectRenewable(grants([], ['a/b']), { clientId: 'resumed', clean: false });
  expect(after.connack).toMatchObject({ sessionPresent: true });
  expect(after.waited).toMatchObject([{ topic: 'a/b' }]);
  for (const topic of ['a/x', 'a/b', 'c'])
    await publisher.send(publish(topic, suite.text(topic), { qos: 1, messageId: 1 }));
  expect(await after.settle()).toMatchObject([{ topic: 'a/b' }]);
});

test('a session taken over with fewer permissions loses its subscriptions too', async () => {
  const publisher = await suite.connect();
  const before = await connectRenewable(grants([], ['#']), { clientId: 'taken', clean: false });
  await before.send(subscribe(1, 'a', 'b'));
  const after = await connectRenewable(grants([], ['b']), { clientId: 'taken', clean: false });
  await publisher.send(
    publish('a', suite.text('a'), { qos: 1, messageId: 1 }),
    publish('b', suite.text('b'), { qos: 1, messageId: 2 }),
  );
  expect(await after.settle()).toMatchObject([{ topic: 'b' }]);
});

test('a session resumed with the same permissions keeps everything', async () => {
  const publisher = await suite.connect();
  const before = await connectRenewable(grants([], ['#']), { clientId: 'same', clean: false });
  await before.send(subscribe(1, { topic: 'a', qos: 1 }));
  await suite.cut(before);
  await publisher.send(publish('a', suite.text('a'), { qos: 1, messageId: 1 }));
  const after = await connectRenewable(grants([], ['a']), { clientId: 'same', clean: false });
  expect(after.waited).toMatchObject([{ topic: 'a' }]);
});

test('at exp an idle connection ends with 0xA0 and its Will, unless it has renewed', async () => {
  const nowSeconds = Math.floor(suite.clock.now() / 1000);
  const will = (topic: string) => ({
    topic,
    payload: Buffer.from(suite.text(topic)),
    qos: 0 as const,
    retain: false,
  });
  const watcher = await suite.connect();
  await watcher.send(subscribe(1, 'will/+'));
  const all = grants(['#'], ['#']);
  const soon = { ...all, exp: nowSeconds + 60 };
  const idle = await connectRenewable(soon, { will: will('will/idle') });
  const renewed = await connectRenewable(soon, { will: will('will/renewed') });
  await renewed.send(await authPacket({ ...all, exp: nowSeconds + 300 }));
  await suite.advance(61);
  expect(await idle.closed).toEqual({ code: 1000, reason: '' });
  expect(await idle.take(1)).toMatchObject([{ cmd: 'disconnect', reasonCode: 0xa0 }]);
  expect(await watcher.settle()).toMatchObject([{ topic: 'will/idle' }]);
  expect(await renewed.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
});
