import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { topicLimits } from '../../../lib/topics/index.ts';
import { meetAt, oddNames, recorder, type World } from '../world.ts';
import { subscriptionOf } from './samples.ts';

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
        expect(byClient(await subscriptions.audience(tenant, 'a/+', consistent))).toEqual(
          byClient([plain, full, shared]),
        );
    });

    test('tells whether the same session had it, and replaces its options', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      expect(await subscriptions.put(tenant, subscriptionOf('c', { subscriptionIdentifier: 1 }))).toBe(false);
      expect(await subscriptions.put(tenant, subscriptionOf('c', { qos: 0 }))).toBe(true);
      expect(await subscriptions.audience(tenant, 'a/+', true)).toEqual([subscriptionOf('c', { qos: 0 })]);
      const later = subscriptionOf('c', { generation: 'generation-2' });
      expect(await subscriptions.put(tenant, later)).toBe(false);
      expect(await subscriptions.audience(tenant, 'a/+', true)).toEqual([later]);
    });

    test('only the generation that made a subscription deletes it', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const one = subscriptionOf('c');
      await subscriptions.put(tenant, one);
      expect(await subscriptions.delete(tenant, { ...one, generation: 'generation-0' })).toBe(false);
      expect(await subscriptions.audience(tenant, 'a/+', true)).toEqual([one]);
      expect(await subscriptions.delete(tenant, one)).toBe(true);
      expect(await subscriptions.delete(tenant, one)).toBe(false);
      expect(await subscriptions.audience(tenant, 'a/+', true)).toEqual([]);
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
      const found = await subscriptions.audience(tenant, 'a/+', true);
      expect(new Set(found)).toEqual(new Set(all));
      await subscriptions.delete(tenant, subscriptionOf('c', { shareName: 'x' }));
      expect(await subscriptions.audience(tenant, 'a/+', true)).toHaveLength(3);
    });

    test.each(oddNames)('keeps names apart: %s', async (_, odd) => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      const one = subscriptionOf(odd, { filter: odd, shareName: odd.replaceAll('/', '') });
      await subscriptions.put(tenant, one);
      await subscriptions.put(tenant, subscriptionOf(`${odd}x`, { filter: `${odd}x` }));
      expect(await subscriptions.audience(tenant, odd, true)).toEqual([one]);
      expect(await subscriptions.delete(tenant, one)).toBe(true);
      expect(await subscriptions.audience(tenant, odd, true)).toEqual([]);
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
        expect(await subscriptions.audience(tenant, one.filter, true)).toEqual([one]);
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
      const found = await subscriptions.audience(tenant, 'a/+', false);
      expect(new Set(found.map((one) => one.clientId)).size).toBe(count);
      expect(calls.operations).toEqual(['Query', 'Query']);
    });

    test('a filter finds its own subscriptions only, exactly as it is written', async () => {
      const { subscriptions } = world.process();
      const tenant = world.tenant();
      for (const filter of ['a', 'a/', 'A', 'a/#', '+', '/a']) {
        await subscriptions.put(tenant, subscriptionOf('c', { filter }));
      }
      for (const filter of ['a', 'a/', 'A', 'a/#', '+', '/a'])
        expect(await subscriptions.audience(tenant, filter, true)).toEqual([subscriptionOf('c', { filter })]);
      expect(await subscriptions.audience(tenant, 'b', true)).toEqual([]);
    });

    test('one tenant never sees another, equal names or not', async () => {
      const { subscriptions } = world.process();
      const [one, two] = [world.tenant(), world.tenant()];
      await subscriptions.put(one, subscriptionOf('c'));
      expect(await subscriptions.audience(two, 'a/+', true)).toEqual([]);
      expect(await subscriptions.put(two, subscriptionOf('c', { qos: 2 }))).toBe(false);
      expect(await subscriptions.audience(one, 'a/+', true)).toEqual([subscriptionOf('c')]);
      expect(await subscriptions.delete(two, subscriptionOf('c'))).toBe(true);
      expect(await subscriptions.audience(one, 'a/+', true)).toEqual([subscriptionOf('c')]);
      // A filter that tries to look like another tenant's key.
      await subscriptions.put(one, subscriptionOf('c', { filter: `/${two}/a/+` }));
      expect(await subscriptions.audience(two, 'a/+', true)).toEqual([]);
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
      await expect(subscriptions.audience(tenant, 'a/+', true)).rejects.toThrow(ItemFormatError);
    });
  });
}
