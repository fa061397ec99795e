import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Subscription } from '../../../lib/core/model.ts';
import type { PositionRange, SubscriptionStore } from '../../../lib/core/store-ports/subscriptions.ts';
import type { TenantId } from '../../../lib/core/tenant-id.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { topicLimits } from '../../../lib/topics/index.ts';
import { meetAt, oddNames, recorder, type World } from '../world.ts';
import { subscriptionOf } from './samples.ts';

const audienceOf = async (
  subscriptions: SubscriptionStore,
  tenant: TenantId,
  filter: string,
  consistent: boolean,
): Promise<Subscription[]> => [
  ...(await subscriptions.audience(tenant, filter, { consistent, limit: 100_000 })).subscriptions,
];

/** Table Subscriptions. */
export function subscriptionsContract(name: string, open: () => Promise<World>): void {
  describe(`subscriptions: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const byClient = <T extends { clientId: string }>(subscriptions: T[]): T[] =>
      subscriptions.toSorted((one, other) => (one.clientId < other.clientId ? -1 : 1));

    test('finds what was put, with and without its optional parts', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const plain = subscriptionOf('one', { qos: 0 });
      const full = subscriptionOf('two', {
        qos: 2,
        noLocal: true,
        retainAsPublished: true,
        subscriptionIdentifier: 268_435_455,
      });
      const shared = subscriptionOf('three', { shareName: 'group' });
      for (const one of [plain, full, shared]) await subscriptions.put(tenant, one);
      for (const consistent of [true, false])
        expect(byClient(await audienceOf(subscriptions, tenant, 'a/+', consistent))).toEqual(
          byClient([plain, full, shared]),
        );
    });

    test('tells whether the same session had it, and replaces its options', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      expect(await subscriptions.put(tenant, subscriptionOf('c', { subscriptionIdentifier: 1 }))).toBe(false);
      expect(await subscriptions.put(tenant, subscriptionOf('c', { qos: 0 }))).toBe(true);
      expect(await audienceOf(subscriptions, tenant, 'a/+', true)).toEqual([subscriptionOf('c', { qos: 0 })]);
      const later = subscriptionOf('c', { generation: 'generation-2' });
      expect(await subscriptions.put(tenant, later)).toBe(false);
      expect(await audienceOf(subscriptions, tenant, 'a/+', true)).toEqual([later]);
    });

    test('puts subscriptions to many filters at once', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const filters = Array.from({ length: 60 }, (_, index) => `f/${index}`);
      const all = filters.map((filter) => subscriptionOf('c', { filter }));
      await subscriptions.putMany(tenant, all);
      for (const one of all) expect(await audienceOf(subscriptions, tenant, one.filter, true)).toEqual([one]);
    });

    test('only the generation that made a subscription deletes it', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const one = subscriptionOf('c');
      await subscriptions.put(tenant, one);
      expect(await subscriptions.delete(tenant, { ...one, generation: 'generation-0' })).toBe(false);
      expect(await audienceOf(subscriptions, tenant, 'a/+', true)).toEqual([one]);
      expect(await subscriptions.delete(tenant, one)).toBe(true);
      expect(await subscriptions.delete(tenant, one)).toBe(false);
      expect(await audienceOf(subscriptions, tenant, 'a/+', true)).toEqual([]);
    });

    test('of two that delete a subscription exactly one has', async () => {
      const { subscriptions } = world.process(meetAt('DeleteItem', 2));
      const tenant = world.tenant();
      const one = subscriptionOf('c');
      await subscriptions.put(tenant, one);
      const deleted = await Promise.all([
        subscriptions.delete(tenant, one),
        subscriptions.delete(tenant, one),
      ]);
      expect(deleted.toSorted()).toEqual([false, true]);
    });

    test('a client may have a filter for itself and in several shares', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const all = [
        subscriptionOf('c'),
        subscriptionOf('c', { shareName: 'x' }),
        subscriptionOf('c', { shareName: 'y', qos: 0 }),
        subscriptionOf('c', { shareName: 'ÿ😀' }),
      ];
      for (const one of all) expect(await subscriptions.put(tenant, one)).toBe(false);
      const found = await audienceOf(subscriptions, tenant, 'a/+', true);
      expect(new Set(found)).toEqual(new Set(all));
      await subscriptions.delete(tenant, subscriptionOf('c', { shareName: 'x' }));
      expect(await audienceOf(subscriptions, tenant, 'a/+', true)).toHaveLength(3);
    });

    test.each(oddNames)('keeps names apart: %s', async (_, odd) => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const one = subscriptionOf(odd, { filter: odd, shareName: odd.replaceAll('/', '') });
      await subscriptions.put(tenant, one);
      await subscriptions.put(tenant, subscriptionOf(`${odd}x`, { filter: `${odd}x` }));
      expect(await audienceOf(subscriptions, tenant, odd, true)).toEqual([one]);
      expect(await subscriptions.delete(tenant, one)).toBe(true);
      expect(await audienceOf(subscriptions, tenant, odd, true)).toEqual([]);
    });

    test('longest filter, client id and share name', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const filter = 'f'.repeat(topicLimits.maxBytes);
      const longest = subscriptionOf('ö'.repeat(128), { filter });
      const shareName = 's'.repeat(topicLimits.maxBytes - '$share//#'.length);
      const share = subscriptionOf('ö'.repeat(128), { filter: '#', shareName });
      for (const one of [longest, share]) {
        await subscriptions.put(tenant, one);
        expect(await audienceOf(subscriptions, tenant, one.filter, true)).toEqual([one]);
        expect(await subscriptions.delete(tenant, one)).toBe(true);
      }
    });

    test('an audience larger than a page of 1 MB is found as a whole', async () => {
      const calls = recorder();
      const { subscriptions } = world.process(calls);
      const tenant = world.tenant();
      const count = 2_200;
      const clientId = (index: number) => `${index}-${'x'.repeat(240)}`;
      for (let start = 0; start < count; start += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            subscriptions.put(tenant, subscriptionOf(clientId(start + index))),
          ),
        );
      calls.calls.length = 0;
      const found = await audienceOf(subscriptions, tenant, 'a/+', false);
      expect(new Set(found.map((one) => one.clientId)).size).toBe(count);
      expect(calls.operations).toEqual(['Query', 'Query']);
    });

    test('an audience is read no further than its limit, clients before members of shares', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      for (let index = 0; index < 6; index += 1) {
        await subscriptions.put(tenant, subscriptionOf(`client-${index}`));
        await subscriptions.put(tenant, subscriptionOf(`member-${index}`, { shareName: 'x' }));
      }
      const read = (limit: number) => subscriptions.audience(tenant, 'a/+', { consistent: true, limit });
      const sharesOf = ({ subscriptions: found }: Awaited<ReturnType<typeof read>>) =>
        found.filter(({ shareName }) => shareName !== undefined).length;
      expect(await read(5)).toMatchObject({ more: true, subscriptions: { length: 5 } });
      const eight = await read(8);
      expect(eight).toMatchObject({ more: true, subscriptions: { length: 8 } });
      expect(sharesOf(eight)).toBe(2);
      expect(await read(12)).toMatchObject({ more: false, subscriptions: { length: 12 } });
    });

    test('of an audience that is not read to its end, it tells about how large it is', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      for (let index = 0; index < 400; index += 1)
        await subscriptions.put(tenant, subscriptionOf(`client-${index}`));
      await subscriptions.put(tenant, subscriptionOf('member', { shareName: 'x' }));
      await subscriptions.markQueued(tenant, 'a/+', world.clock.now() + 1_000);
      const about = async (limit: number) =>
        (await subscriptions.audience(tenant, 'a/+', { consistent: true, limit })).about;
      expect(await about(100)).toBeGreaterThan(300);
      expect(await about(100)).toBeLessThan(500);
      expect(await about(401)).toBeUndefined();
    });

    test('client ids whose positions crowd at the start are not taken for more than 100,000', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const crowded = ['client-994190', 'client-1828008'];
      for (const clientId of [...crowded, 'client', 'other'])
        await subscriptions.put(tenant, subscriptionOf(clientId));
      expect(await subscriptions.audience(tenant, 'a/+', { consistent: true, limit: 1 })).toMatchObject({
        about: 100_000,
      });
    });

    test('ranges cover an audience, each client once, in one order, shares left out', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const clientIds = Array.from({ length: 60 }, (_, index) => `${index}é😀`);
      for (const clientId of clientIds) await subscriptions.put(tenant, subscriptionOf(clientId));
      await subscriptions.put(tenant, subscriptionOf('member', { shareName: 'x' }));
      await subscriptions.markQueued(tenant, 'a/+', world.clock.now() + 1_000);
      const read = async (range: PositionRange) => {
        const found = [];
        for await (const one of subscriptions.range(tenant, 'a/+', range, true)) found.push(one);
        return found;
      };
      const whole = await read({ slice: 0, slices: 1 });
      expect(whole.map(({ subscription }) => subscription.clientId).toSorted()).toEqual(clientIds.toSorted());
      const slices = [];
      for (let slice = 0; slice < 16; slice += 1) slices.push(await read({ slice, slices: 16 }));
      expect(slices.flat()).toEqual(whole);
      expect(slices.filter((slice) => slice.length > 0).length).toBeGreaterThan(10);
      const after = whole[20]?.position ?? '';
      expect(await read({ slice: 0, slices: 1, after })).toEqual(whole.slice(21));
    });

    test('of a large share as many members are read as asked for, over many calls all of them', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const members = (name: string, count: number) =>
        Array.from({ length: count }, (_, index) => subscriptionOf(`${name}-${index}`, { shareName: name }));
      const large = members('large', 40);
      const long = members('l'.repeat(600), 12);
      const small = [...members('a', 2), ...members('z', 3)];
      for (const one of [...large, ...small, ...long]) await subscriptions.put(tenant, one);
      await subscriptions.put(tenant, subscriptionOf('client'));
      const seen = new Set<string>();
      for (let round = 0; round < 60; round += 1) {
        const found = await subscriptions.shareMembers(tenant, 'a/+', { perShare: 10, consistent: false });
        for (const { clientId } of found) seen.add(clientId);
        const of = (name: string) => found.filter(({ shareName }) => shareName === name).length;
        expect([of('large'), of('l'.repeat(600)), of('a'), of('z'), found.length]).toEqual([
          10, 10, 2, 3, 25,
        ]);
        expect(new Set(found.map(({ clientId }) => clientId)).size).toBe(25);
      }
      expect(seen.size).toBe(57);
      const one = await subscriptions.shareMembers(tenant, 'a/+', {
        perShare: 10,
        consistent: true,
        shareName: 'z',
      });
      expect(new Set(one)).toEqual(new Set(small.slice(2)));
    });

    test('the note that a topic goes through the queue is found with its audience and by itself', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const read = () => subscriptions.audience(tenant, 'a/b', { consistent: true, limit: 1 });
      expect(await subscriptions.queuedUntilMs(tenant, 'a/b')).toBeUndefined();
      expect(await read()).toEqual({ subscriptions: [], rules: [], more: false });
      const one = subscriptionOf('one', { filter: 'a/b' });
      await subscriptions.put(tenant, one);
      const untilMs = world.clock.now() + 60_000;
      await subscriptions.markQueued(tenant, 'a/b', untilMs);
      expect(await subscriptions.queuedUntilMs(tenant, 'a/b')).toBe(untilMs);
      expect(await read()).toEqual({ subscriptions: [one], rules: [], more: false, queuedUntilMs: untilMs });
      await subscriptions.put(tenant, subscriptionOf('two', { filter: 'a/b' }));
      expect(await read()).toMatchObject({
        subscriptions: { length: 1 },
        more: true,
        queuedUntilMs: untilMs,
      });
    });

    test('a filter finds its own subscriptions only, exactly as it is written', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      for (const filter of ['a', 'a/', 'A', 'a/#', '+', '/a']) {
        await subscriptions.put(tenant, subscriptionOf('c', { filter }));
      }
      for (const filter of ['a', 'a/', 'A', 'a/#', '+', '/a'])
        expect(await audienceOf(subscriptions, tenant, filter, true)).toEqual([
          subscriptionOf('c', { filter }),
        ]);
      expect(await audienceOf(subscriptions, tenant, 'b', true)).toEqual([]);
    });

    test('one tenant never sees another, equal names or not', async () => {
      const { subscriptions } = world.process();
      const [one, two] = [world.tenant(), world.tenant()];
      await subscriptions.put(one, subscriptionOf('c'));
      expect(await audienceOf(subscriptions, two, 'a/+', true)).toEqual([]);
      expect(await subscriptions.put(two, subscriptionOf('c', { qos: 2 }))).toBe(false);
      expect(await audienceOf(subscriptions, one, 'a/+', true)).toEqual([subscriptionOf('c')]);
      expect(await subscriptions.delete(two, subscriptionOf('c'))).toBe(true);
      expect(await audienceOf(subscriptions, one, 'a/+', true)).toEqual([subscriptionOf('c')]);
      // A filter that tries to look like another tenant's key.
      await subscriptions.put(one, subscriptionOf('c', { filter: `/${two}/a/+` }));
      expect(await audienceOf(subscriptions, two, 'a/+', true)).toEqual([]);
    });

    test('items carry their format version, name no connection, and never expire by themselves', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      await subscriptions.put(tenant, subscriptionOf('c', { shareName: 's', subscriptionIdentifier: 1 }));
      const [row] = await world.items('subscriptions', `${tenant}/a/+`);
      expect(row?.v).toEqual({ N: '1' });
      expect(row?.ttl).toBeUndefined();
      expect(Object.keys(row ?? {}).toSorted()).toEqual(
        ['client', 'filter', 'generation', 'id', 'identifier', 'qos', 'share', 'v'].toSorted(),
      );
    });

    test.each([
      ['without a client id', { id: { N: '1' } }],
      ['without a generation', { generation: { BOOL: true } }],
      ['of a newer release', { v: { N: '2' } }],
    ] as const)('an item %s is refused', async (_, change) => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      await subscriptions.put(tenant, subscriptionOf('c'));
      const [row] = await world.items('subscriptions', `${tenant}/a/+`);
      await world.putItem('subscriptions', { ...row, ...change });
      await expect(audienceOf(subscriptions, tenant, 'a/+', true)).rejects.toThrow(ItemFormatError);
    });
  });
}
