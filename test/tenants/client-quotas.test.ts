import { expect, test } from 'vitest';
import { publish, subscribe } from '../broker/packets.ts';
import { useSuite } from '../broker/suite.ts';
import type { Got } from '../support/raw-client.ts';

const suite = useSuite();
const everything = { publish: ['#'], subscribe: ['#'] };
const claims = (quotas: Record<string, unknown>) => ({ mqtt: { ...everything, quotas } });
const setQuotas = async (quotas: Record<string, number>): Promise<void> => {
  const { tenantAdmin } = suite.service.stores;
  const found = await tenantAdmin.read(suite.mint.tenant);
  if (found === undefined) throw new Error('no tenant');
  await tenantAdmin.update(suite.mint.tenant, found.revision, { ...found.config, quotas });
};
const reply = <Value>([value]: readonly Value[]): Value | undefined => value;

const quotasIn = ({ properties }: Got): unknown =>
  (properties as { userProperties?: unknown } | undefined)?.userProperties;

test('CONNACK tells the client its quotas: the lower of the tenant’s and the token’s', async () => {
  await setQuotas({
    packetBytes: 5_000,
    sessionExpirySeconds: 600,
    publishesPerSecondPerClient: 50,
    connections: 1_000,
  });
  const client = await suite.connect({
    claims: claims({ packetBytes: 9_000, sessionExpirySeconds: 60, publishesPerSecondPerClient: 20 }),
    properties: { sessionExpiryInterval: 3_600 },
  });
  expect(client.connack.properties).toMatchObject({ maximumPacketSize: 5_000, sessionExpiryInterval: 60 });
  expect(quotasIn(client.connack)).toEqual({
    'quota.publishesPerSecondPerClient': '20',
    'quota.packetBytes': '5000',
    'quota.sessionExpirySeconds': '60',
  });
  await setQuotas({});
  const free = await suite.connect({});
  expect(quotasIn(free.connack)).toBeUndefined();
});

test('a larger packet than announced ends the connection with 0x95', async () => {
  await setQuotas({ packetBytes: 200 });
  const client = await suite.connect({});
  expect(
    reply((await client.exchange(publish('a', 'x'.repeat(150), { qos: 1, messageId: 1 }))).replies),
  ).toMatchObject({
    cmd: 'puback',
  });
  const { pushes, closed } = await client.exchange(publish('a', 'x'.repeat(200), { qos: 1, messageId: 2 }));
  expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x95 }]);
  expect(closed).toBeDefined();
  await setQuotas({});
});

test('rates of one client: 0x97 with the quota at QoS 1, 0x96 at QoS 0, the close in 3.1.1; others are unaffected', async () => {
  const slow = claims({ publishesPerSecondPerClient: 1 });
  const burst = (qos: 0 | 1) =>
    Array.from({ length: 11 }, (_, index) =>
      publish('a', 'x', qos === 0 ? {} : { qos, messageId: index + 1 }),
    );
  const client = await suite.connect({ claims: slow });
  const replies = await client.send(...burst(1));
  expect(new Set(replies.map(({ reasonCode }) => reasonCode))).toEqual(new Set([0x97]));
  expect(replies[0]).toMatchObject({
    properties: { reasonString: expect.stringContaining('publishesPerSecondPerClient') },
  });
  expect(reply(await client.send(publish('a', 'x', { qos: 1, messageId: 1 })))).not.toMatchObject({
    reasonCode: 0x97,
  });
  const silent = await suite.connect({ claims: slow, properties: { requestProblemInformation: false } });
  expect(reply(await silent.send(...burst(1)))).not.toHaveProperty('properties');

  const fast = await suite.connect({ claims: slow });
  const { pushes, closed } = await fast.exchange(...burst(0));
  expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x96 }]);
  expect(closed).toBeDefined();
  const old = await suite.connect({ claims: slow, protocolVersion: 4 });
  expect((await old.exchange(...burst(1))).closed).toBeDefined();
  const other = await suite.connect({});
  expect(reply(await other.send(...burst(1)))).not.toMatchObject({ reasonCode: 0x97 });
});

test('a rate is kept in the connection’s row, so that every process knows it', async () => {
  const client = await suite.connect({ claims: claims({ publishesPerSecondPerClient: 1 }) });
  for (let index = 0; index < 6; index += 1) await client.send(publish('a', 'x', { qos: 1, messageId: 1 }));
  const { address } = (await suite.session(client.clientId)) ?? {};
  if (address === undefined) throw new Error('not connected');
  const connection = await suite.service.stores.connections.get(address);
  expect((connection?.rateUse?.messagesUntilMs ?? 0) - suite.clock.now()).toBe(5_000);
});

test('SUBACK tells which quota is exhausted', async () => {
  const client = await suite.connect({ claims: claims({ subscriptionsPerClient: 1 }) });
  expect(reply(await client.send(subscribe(1, 'a', 'b')))).toMatchObject({
    granted: [0, 0x97],
    properties: {
      reasonString: 'the client has as many subscriptions as it may have (subscriptionsPerClient)',
    },
  });
});

/** An offline client with a session that subscribes to its own name. */
async function sleeper(clientId: string, quotas: Record<string, number>) {
  const fields = {
    clientId,
    clean: false,
    properties: { sessionExpiryInterval: 86_400 },
    claims: claims(quotas),
  };
  const client = await suite.connect(fields);
  await client.send(subscribe(1, { topic: clientId, qos: 1 }));
  await client.exchange({ cmd: 'disconnect' });
  await suite.released();
  return fields;
}

async function fill(topic: string, from: number, to: number): Promise<void> {
  const publisher = await suite.connect();
  for (let index = from; index < to; index += 1)
    await publisher.send(publish(topic, String(index), { qos: 1, messageId: 1 }));
  await publisher.exchange({ cmd: 'disconnect' });
}

const texts = (got: readonly { readonly payload?: unknown }[]) => got.map(({ payload }) => Number(payload));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('a queue holds as many messages as the quota allows, then drops the newest', async () => {
  const fields = await sleeper('bounded', { queuedMessages: 10 });
  await fill('bounded', 0, 15);
  const client = await suite.connect(fields);
  expect(texts([...client.waited, ...(await client.settle())])).toEqual(range(0, 10));
});

test('a lower quota applies from the next CONNECT on, also to queued messages', async () => {
  await sleeper('lowered', {});
  await fill('lowered', 0, 8);
  const fields = await sleeper('lowered', { queuedMessages: 10 });
  await fill('lowered', 8, 15);
  const client = await suite.connect(fields);
  expect(texts([...client.waited, ...(await client.settle())])).toEqual(range(0, 10));
});

test('a message that has waited too long is dropped unsent and makes room', async () => {
  const fields = await sleeper('aged', { queueSeconds: 60, queuedMessages: 10 });
  await fill('aged', 0, 10);
  await suite.advance(61);
  await fill('aged', 10, 14);
  const client = await suite.connect(fields);
  const got = [...client.waited, ...(await client.settle())];
  expect(texts(got)).toEqual(range(10, 14));
  // The quota is no Message Expiry Interval: the client is told none.
  expect(got[0]).not.toHaveProperty('properties.messageExpiryInterval');
});

test('AUTH applies the quotas of the new token', async () => {
  const client = await suite.connect({
    claims: claims({ packetBytes: 2_000 }),
    properties: { authenticationMethod: 'wisp-jwt' },
  });
  const token = await suite.mint({ mqtt: everything, exp: undefined });
  await client.send({
    cmd: 'auth',
    reasonCode: 0x19,
    properties: { authenticationMethod: 'wisp-jwt', authenticationData: Buffer.from(token) },
  });
  expect(reply(await client.send(publish('a', 'x'.repeat(3_000), { qos: 1, messageId: 1 })))).toMatchObject({
    cmd: 'puback',
  });
});

test('DISCONNECT cannot ask for a longer session than the quota allows', async () => {
  const client = await suite.connect({
    clean: false,
    properties: { sessionExpiryInterval: 30 },
    claims: claims({ sessionExpirySeconds: 60 }),
  });
  await client.exchange({ cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 3_600 } });
  await suite.released();
  expect((await suite.session(client.clientId))?.expirySeconds).toBe(60);
  const old = await suite.connect({
    clean: false,
    protocolVersion: 4,
    claims: claims({ sessionExpirySeconds: 60 }),
  });
  expect((await suite.session(old.clientId))?.expirySeconds).toBe(60);
});

test('quotas apply to a Will: its size, and retained messages beyond the bound', async () => {
  await setQuotas({ retainedMessages: 0 });
  const connecting = async (fields: object) => {
    const client = await suite.open();
    const { pushes, replies } = await client.exchange(await suite.connectPacket(fields));
    return [...replies, ...pushes][0];
  };
  const will = { topic: 'w', payload: Buffer.from('x'), qos: 0 as const, retain: true };
  expect(await connecting({ will })).toMatchObject({ cmd: 'connack', reasonCode: 0x97 });
  const large = { ...will, retain: false, payload: Buffer.alloc(200) };
  expect(await connecting({ will: large, claims: claims({ packetBytes: 200 }) })).toMatchObject({
    reasonCode: 0x95,
  });
  await setQuotas({});
});

test.each([{ queuedMessages: 1 }, { connections: 1 }, { packetBytes: '200' }, 5, []])(
  'a token whose quotas are %j is refused: a limit must not be passed over',
  async (quotas) => {
    const client = await suite.open();
    const { pushes } = await client.exchange(
      await suite.connectPacket({ claims: { mqtt: { ...everything, quotas } } }),
    );
    expect(pushes[0]).toMatchObject({ cmd: 'connack', reasonCode: 0x87 });
  },
);
