import { setTimeout } from 'node:timers/promises';
import type { RouteName } from '../../../cdk/settings.ts';
import { encodePacket } from '../../../lib/mqtt/encode.ts';
import type { Packet } from '../../../lib/mqtt/types.ts';
import { encodeChunks } from '../../../lib/wire/index.ts';
import { openRaw, type RawClient } from '../../support/raw-client.ts';
import type { Mint, TestService } from '../../support/service.ts';
import { disconnected } from '../billed-service.ts';
import { afterDeadlinesMs, type JumpingClock } from '../jumping-clock.ts';
import { connectPacket } from '../metered.ts';

interface Target {
  readonly service: TestService;
  readonly clock: JumpingClock;
  readonly mint: Mint;
}

/** Something that costs more than it should, or would without its bound. */
export interface Attack {
  readonly title: string;
  /** `stranger`: without a valid token. */
  readonly who: 'stranger' | 'client';
  /** The route whose rate bounds it. */
  readonly route: RouteName;
  /** Requests on this route in one {@link Prepared.once}. */
  readonly requests: number;
  /**
   * What one request counts as in the quotas of packets (docs/quotas.md#packets); for a CONNECT,
   * one CONNECT of its client. Absent for strangers, who have no quotas.
   */
  readonly packets?: number;
  prepare(target: Target): Promise<() => Promise<unknown>>;
}

const dayMs = 86_400_000;

async function connected({ service, mint }: Target, clientId = 'attacker'): Promise<RawClient> {
  const client = await openRaw(service.url);
  await client.send(await connectPacket(mint, clientId));
  return client;
}

const many = <Item>(count: number, item: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => item(index));

const publish = (topic: string, more: Partial<Packet & { cmd: 'publish' }> = {}): Packet =>
  ({
    cmd: 'publish',
    topic,
    payload: Buffer.from('x'),
    qos: 0,
    dup: false,
    retain: false,
    ...more,
  }) as Packet;

const subscribe = (filters: readonly string[]): Packet =>
  ({ cmd: 'subscribe', messageId: 1, subscriptions: filters.map((topic) => ({ topic, qos: 0 })) }) as Packet;

/** An attack by one handshake, with what it sends then, until the connection has ended. */
const byHandshake =
  (end: (client: RawClient, target: Target) => Promise<unknown>): Attack['prepare'] =>
  async (target) =>
  () =>
    disconnected(target.service, async () => end(await openRaw(target.service.url), target));

/** An attack by one frame of a connected client. */
const byFrame =
  (...packets: readonly Packet[]): Attack['prepare'] =>
  async (target) => {
    const client = await connected(target);
    return () => client.send(...packets);
  };

/** All 64 shapes that a topic of six levels fits. */
async function subscribeToShapes(target: Target): Promise<void> {
  const client = await connected(target, 'subscriber');
  const filters = many(64, (shape) =>
    [...'abcdef'].map((level, place) => (((shape >> place) & 1) === 1 ? '+' : `other-${level}`)).join('/'),
  );
  await client.send(subscribe(filters));
}

export const attacks: readonly Attack[] = [
  {
    title: 'handshake, then silence',
    who: 'stranger',
    route: '$connect',
    requests: 1,
    // The clock must not jump while a function runs, so the last second passes in real time.
    prepare: byHandshake((_, { clock, service }) => clock.jump(9_000, () => service.queues.idle())),
  },
  {
    title: 'handshake, then a heartbeat',
    who: 'stranger',
    route: '$connect',
    requests: 1,
    prepare: byHandshake((client) => client.exchangeText('.')),
  },
  {
    title: 'CONNECT with a forged token',
    who: 'stranger',
    route: '$connect',
    requests: 1,
    prepare: byHandshake(async (client, { mint }) => {
      const connect = await connectPacket(mint, 'stranger');
      const token = connect.password as Buffer;
      const forged = Buffer.concat([token.subarray(0, -4), Buffer.from('AAAA')]);
      await client.exchange({ ...connect, password: forged });
    }),
  },
  {
    title: 'handshake with a forged token',
    who: 'stranger',
    route: '$connect',
    requests: 1,
    prepare: async ({ service, mint }) => {
      const query = { tenant: mint.tenant, token: `${(await mint()).slice(0, -4)}AAAA` };
      return () => openRaw(service.url, { query }).then(undefined, () => {});
    },
  },
  {
    title: 'publishing over HTTP with a forged token',
    who: 'stranger',
    route: 'http',
    requests: 1,
    prepare: async ({ service, mint }) => {
      const authorization = `Bearer ${(await mint()).slice(0, -4)}AAAA`;
      const url = `${service.publishUrl}/a?tenant=${mint.tenant}`;
      return () => fetch(url, { method: 'POST', headers: { authorization }, body: 'x' });
    },
  },
  {
    title: 'CONNECT that takes its own session over',
    who: 'client',
    route: '$connect',
    requests: 1,
    packets: 1,
    prepare: async (target) => {
      await connected(target);
      return () => disconnected(target.service, () => connected(target));
    },
  },
  {
    title: 'CONNECT and leave, token of 30 days',
    who: 'client',
    route: '$connect',
    requests: 1,
    packets: 1,
    prepare: async ({ service, clock, mint }) => {
      const settle = () => service.queues.idle();
      return async () => {
        const token = await mint({ exp: Math.floor((clock.now() + 30 * dayMs) / 1000) });
        const client = await openRaw(service.url);
        await client.send(await connectPacket(mint, 'visitor', { password: Buffer.from(token) }));
        await disconnected(service, () => client.exchange({ cmd: 'disconnect' }));
        // The function that has handled DISCONNECT ends after the connection.
        await setTimeout(200);
        await clock.jump(31 * dayMs, settle);
      };
    },
  },
  {
    title: '2,000 PINGREQ',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 2_000,
    prepare: byFrame(...many(2_000, (): Packet => ({ cmd: 'pingreq' }))),
  },
  {
    title: '2,000 PUBACK for nothing',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 251,
    prepare: byFrame(
      ...many(2_000, (index): Packet => ({ cmd: 'puback', messageId: index + 1, reasonCode: 0 })),
    ),
  },
  {
    title: 'SUBSCRIBE to 1,000 new filters, UNSUBSCRIBE',
    who: 'client',
    route: '$default',
    requests: 2,
    packets: 1_003,
    prepare: async (target) => {
      const client = await connected(target);
      const filters = many(1_000, (index) => `filters/${index}`);
      return async () => {
        await client.send(subscribe(filters));
        await client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: filters });
      };
    },
  },
  {
    title: 'SUBSCRIBE to 1,000 filters that are not granted',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 1_003,
    prepare: async ({ service, mint }) => {
      const client = await openRaw(service.url);
      const password = Buffer.from(await mint({ mqtt: {} }));
      await client.send(await connectPacket(mint, 'attacker', { password }));
      return () => client.send(subscribe(many(1_000, (index) => `filters/${index}`)));
    },
  },
  ...[2_000, 20_000].map(
    (count): Attack => ({
      title: `SUBSCRIBE to # with ${count.toLocaleString('en')} retained messages`,
      who: 'client',
      route: '$default',
      requests: 1,
      packets: 1_001,
      prepare: async (target) => {
        const client = await connected(target);
        for (let start = 0; start < count; start += 1_000)
          await client.send(...many(1_000, (index) => publish(`r/${start + index}`, { retain: true })));
        return async () => {
          await client.send(subscribe(['#']));
          await target.service.queues.idle();
        };
      },
    }),
  ),
  {
    title: '1,000 retained messages on topics of their own',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 1_002,
    prepare: byFrame(...many(1_000, (index) => publish(`r/${index}`, { retain: true }))),
  },
  {
    title: '100 PUBLISH on topics of their own, 64 shapes',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 100,
    prepare: async (target) => {
      await subscribeToShapes(target);
      const client = await connected(target);
      return () =>
        client.send(...many(100, (index) => publish(`a/b/c/d/e/${index}`, { qos: 1, messageId: index + 1 })));
    },
  },
  {
    title: '1,000 PUBLISH at QoS 2, then PUBREL',
    who: 'client',
    route: '$default',
    requests: 2,
    packets: 1_000,
    prepare: async (target) => {
      const client = await connected(target);
      return async () => {
        await client.send(...many(1_000, (index) => publish('a', { qos: 2, messageId: index + 1 })));
        await client.send(
          ...many(1_000, (index): Packet => ({ cmd: 'pubrel', messageId: index + 1, reasonCode: 0 })),
        );
      };
    },
  },
  {
    title: '23 topic aliases for long topics',
    who: 'client',
    route: '$default',
    requests: 1,
    packets: 28,
    prepare: byFrame(
      ...many(23, (index) =>
        publish(`${index}-`.padEnd(1_000, 'x'), { properties: { topicAlias: index + 1 } }),
      ),
    ),
  },
  {
    title: 'five chunks of a packet that is never completed',
    who: 'client',
    route: '$default',
    requests: 5,
    packets: 6,
    prepare: async (target) => {
      const client = await connected(target);
      const packet = encodePacket(publish('a', { payload: Buffer.alloc(131_000) }), 5);
      let id = 0;
      return async () => {
        for (const text of encodeChunks(`x${id++}`, packet).slice(0, 5)) await client.exchangeText(text);
      };
    },
  },
];

/** Lets the deadlines of the connections that `prepare` has made pass. */
export async function settled({ clock, service }: Target): Promise<void> {
  await clock.jump(afterDeadlinesMs, () => service.queues.idle());
}
