import { createMessageHandler } from '../../functions/message.ts';
import type { TenantId } from '../../lib/auth/index.ts';
import { encodePacket } from '../../lib/mqtt/encode.ts';
import type { ConnectPacket, Packet } from '../../lib/mqtt/types.ts';
import { encodePackets } from '../../lib/wire/index.ts';
import { openRaw, type RawClient } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';
import { type Cost, connectPacket, type Metered, publish } from './metered.ts';

/** Measures one kind of exchange and returns costs by name. Each scenario has its own tenant. */
export type Scenario = (metered: Metered, mint: Mint) => Promise<Map<string, Cost>>;

const kept: Partial<ConnectPacket> = { clean: false, properties: { sessionExpiryInterval: 3600 } };
const subscribe = (messageId: number, qos: 0 | 1 | 2, ...topics: string[]): Packet => ({
  cmd: 'subscribe',
  messageId,
  subscriptions: topics.map((topic) => ({ topic, qos })),
});
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** Connects a subscriber and a publisher and fills all caches of the process. */
async function pair(metered: Metered, mint: Mint, qos: 0 | 1 | 2, filters: string[] = ['devices/d1/state']) {
  const subscriber = await metered.connect(mint, 'subscriber');
  await subscriber.send(subscribe(1, qos, ...filters));
  const publisher = await metered.connect(mint, 'publisher');
  await publisher.send(publish('devices/d1/state', 0));
  await subscriber.take(1);
  return { subscriber, publisher };
}

/** Takes at least `count` messages and returns their packet identifiers. */
async function receive(subscriber: RawClient, count: number): Promise<number[]> {
  const pushed = await subscriber.take(count);
  return pushed.map((packet) => Number(packet.messageId));
}

const connects: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const packet = await connectPacket(mint, 'client');
  const opening = async (name: string, changes: Partial<ConnectPacket> = {}) => {
    let client: RawClient | undefined;
    const open = async () => {
      client = await openRaw(metered.service.url);
    };
    const handshake = await metered.measure(open);
    if (!costs.has('WebSocket handshake')) costs.set('WebSocket handshake', handshake);
    costs.set(
      name,
      await metered.measure(async () => {
        await client?.send({ ...packet, ...changes });
      }),
    );
    if (client === undefined) throw new Error('not connected');
    return client;
  };
  // The first CONNECT of a tenant in a process reads the tenant's keys.
  await opening('CONNECT, first of its tenant');
  const client = await opening('CONNECT, session taken over');
  costs.set('PINGREQ', await metered.measure(() => client.send({ cmd: 'pingreq' })));
  costs.set('heartbeat', await metered.measure(() => client.settle()));
  // Calls the function directly: through the gateway, the close arrives before it ends.
  const { broker, flush } = metered.service.service;
  const addressOf = async (clientId: string) => {
    const session = await metered.service.stores.sessions.get({ tenant: mint.tenant as TenantId, clientId });
    if (session?.address === undefined) throw new Error('the session is not online');
    return session.address;
  };
  const closing = await addressOf('client');
  const disconnect = encodePackets(encodePacket({ cmd: 'disconnect' }, 5));
  const handle = createMessageHandler(() => metered.service.service);
  costs.set(
    'DISCONNECT, function alone',
    await metered.measure(() => handle({ requestContext: { connectionId: closing }, body: disconnect })),
  );
  const other = await opening('CONNECT, new session', { clientId: 'other' });
  const address = await addressOf('other');
  const disconnected = async () => {
    await broker.disconnected(address);
    await flush();
  };
  costs.set('$disconnect without DISCONNECT', await metered.measure(disconnected));
  costs.set('$disconnect after DISCONNECT', await metered.measure(disconnected));
  await other.close();
  return costs;
};

const subscribes: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const client = await metered.connect(mint, 'client');
  const add = async (name: string, packet: Packet) =>
    costs.set(name, await metered.measure(() => client.send(packet)));
  await add('SUBSCRIBE, shape new to the tenant', subscribe(1, 1, 'a/b'));
  await add('SUBSCRIBE, known shape', subscribe(2, 1, 'a/c'));
  await add('SUBSCRIBE, again', subscribe(3, 1, 'a/c'));
  await add('SUBSCRIBE, 10 filters', subscribe(4, 1, ...many(10, (index) => `b/${index}`)));
  await add('UNSUBSCRIBE', { cmd: 'unsubscribe', messageId: 5, unsubscriptions: ['a/b'] });
  await add('PUBLISH QoS 0 retained', { ...publish('r/1', 0), retain: true });
  await add('PUBLISH QoS 0 retained, again', { ...publish('r/1', 0), retain: true });
  await add('SUBSCRIBE, 1 retained', subscribe(6, 0, 'r/1'));
  await add('SUBSCRIBE with #, 1 retained', subscribe(7, 0, 'r/#'));
  return costs;
};

const publishesAtMostOnce: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const filters = ['devices/d1/state', 'devices/+/state', 'devices/#'];
  const { publisher, subscriber } = await pair(metered, mint, 0, filters);
  const sending = async (name: string, ...packets: Packet[]) => {
    costs.set(name, await metered.measure(() => publisher.send(...packets)));
  };
  await sending('PUBLISH QoS 0, 3 shapes', publish('devices/d1/state', 0));
  await sending('10 × PUBLISH QoS 0 in a frame', ...many(10, () => publish('devices/d1/state', 0)));
  await subscriber.take(11);
  await sending('PUBLISH QoS 0, no subscriber', publish('elsewhere', 0));
  return costs;
};

const rules: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const { publisher, subscriber } = await pair(metered, mint, 1);
  const sending = async (name: string, qos: 0 | 1, count: number, firstId: number) => {
    const packets = many(count, (index) => publish('devices/d1/state', qos, qos && firstId + index));
    costs.set(name, await metered.measure(() => publisher.send(...packets)));
    const identifiers = await receive(subscriber, count);
    for (const messageId of qos === 0 ? [] : identifiers)
      await subscriber.send({ cmd: 'puback', messageId, reasonCode: 0 });
  };
  await sending('PUBLISH QoS 0, 1 shape', 0, 1, 1);
  await sending('10 × PUBLISH QoS 0, 1 shape', 0, 10, 1);
  const { rules: store } = metered.service.stores;
  await store.putMatch(mint.tenant as TenantId, 'devices/d1/state', { name: 'rule', lane: 'common' });
  await sending('PUBLISH QoS 0, 1 rule', 0, 1, 1);
  await sending('10 × PUBLISH QoS 0, 1 rule', 0, 10, 1);
  await sending('PUBLISH QoS 1, 1 rule', 1, 1, 1);
  await sending('10 × PUBLISH QoS 1, 1 rule', 1, 10, 2);
  return costs;
};

const publishesAtLeastOnce: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const { publisher, subscriber } = await pair(metered, mint, 1);
  const exchange = async (name: string, count: number, firstId: number) => {
    const packets = many(count, (index) => publish('devices/d1/state', 1, firstId + index));
    costs.set(`${name}PUBLISH QoS 1`, await metered.measure(() => publisher.send(...packets)));
    const identifiers = await receive(subscriber, count);
    const acknowledgements = identifiers.map(
      (messageId): Packet => ({ cmd: 'puback', messageId, reasonCode: 0 }),
    );
    costs.set(`${name}its PUBACK`, await metered.measure(() => subscriber.send(...acknowledgements)));
  };
  await exchange('', 1, 1);
  await exchange('10 × ', 10, 2);
  return costs;
};

const publishesExactlyOnce: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const { publisher, subscriber } = await pair(metered, mint, 2);
  const exchange = async (name: string, count: number, firstId: number) => {
    const add = async (step: string, client: RawClient, packets: Packet[]) =>
      costs.set(`${name}${step}`, await metered.measure(() => client.send(...packets)));
    const ids = many(count, (index) => firstId + index);
    await add(
      'PUBLISH QoS 2',
      publisher,
      ids.map((id) => publish('devices/d1/state', 2, id)),
    );
    await add(
      'its PUBREL',
      publisher,
      ids.map((messageId) => ({ cmd: 'pubrel', messageId, reasonCode: 0 })),
    );
    const identifiers = await receive(subscriber, count);
    for (const cmd of ['pubrec', 'pubcomp'] as const)
      await add(
        `its ${cmd.toUpperCase()}`,
        subscriber,
        identifiers.map((messageId) => ({ cmd, messageId, reasonCode: 0 })),
      );
  };
  await exchange('', 1, 1);
  await exchange('10 × ', 10, 2);
  return costs;
};

/** Measures a resumption with `queued` QoS 1 messages, from CONNECT to the last PUBACK. */
const resuming =
  (queued: number): Scenario =>
  async (metered, mint) => {
    const before = await metered.connect(mint, 'subscriber', kept);
    await before.send(subscribe(1, 1, 'devices/d1/state'));
    await before.exchange({ cmd: 'disconnect' });
    const publisher = await metered.connect(mint, 'publisher');
    const costs = new Map<string, Cost>();
    for (let sent = 0; sent < queued; sent += 10) {
      const packets = many(Math.min(10, queued - sent), (index) =>
        publish('devices/d1/state', 1, 1 + sent + index),
      );
      const cost = await metered.measure(() => publisher.send(...packets));
      if (sent === 0) costs.set('10 × PUBLISH QoS 1, subscriber offline', cost);
    }
    costs.set(
      `resume, ${queued} queued, to the last PUBACK`,
      await metered.measure(async () => {
        const client = await metered.connect(mint, 'subscriber', kept);
        for (let received = 0; received < queued; ) {
          const identifiers = await receive(client, 1);
          received += identifiers.length;
          await client.send(
            ...identifiers.map((messageId): Packet => ({ cmd: 'puback', messageId, reasonCode: 0 })),
          );
        }
      }),
    );
    return costs;
  };

/** Measures a message of 10 KB to ten sessions, and one acknowledgement. */
const sharesMessages: Scenario = async (metered, mint) => {
  const costs = new Map<string, Cost>();
  const subscribers = await Promise.all(
    many(10, async (index) => {
      const subscriber = await metered.connect(mint, `subscriber-${index}`, kept);
      await subscriber.send(subscribe(1, 1, 'news'));
      return subscriber;
    }),
  );
  const publisher = await metered.connect(mint, 'publisher');
  const large = { ...publish('news', 1, 1), payload: Buffer.alloc(10_240, 'x') };
  costs.set('PUBLISH QoS 1, 10 KB, 10 subscribers', await metered.measure(() => publisher.send(large)));
  const [subscriber] = subscribers;
  const [messageId = 0] = subscriber === undefined ? [] : await receive(subscriber, 1);
  costs.set(
    'PUBACK of one of them',
    await metered.measure(async () => {
      await subscriber?.send({ cmd: 'puback', messageId, reasonCode: 0 });
    }),
  );
  return costs;
};

export const scenarios: Readonly<Record<string, Scenario>> = {
  connects,
  subscribes,
  'publishes at QoS 0': publishesAtMostOnce,
  'publishes at QoS 1': publishesAtLeastOnce,
  'publishes at QoS 2': publishesExactlyOnce,
  'publishes that fire a rule': rules,
  'a large message for many': sharesMessages,
  'resumption of an empty queue': resuming(0),
  'resumption, 10 queued': resuming(10),
  'resumption, 1,000 queued': resuming(1_000),
};
