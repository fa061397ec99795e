import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { topicLimits } from '../../../lib/topics/index.ts';
import type { World } from '../world.ts';
import { keyOf } from './samples.ts';

/** Table Sessions: the list of a session's subscriptions. */
export function sessionSubscriptionsContract(name: string, open: () => Promise<World>): void {
  describe(`subscriptions of a session: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const newKey = () => keyOf(world.tenant());

    test('returns filters as they were written, each with its generation', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      const filters = ['a/+', '$share/g/a/+', '#', 'ö'.repeat(topicLimits.maxBytes / 2), '😀/#'];
      for (const filter of filters) await sessionSubscriptions.put(key, filter, 'g');
      await sessionSubscriptions.put(key, '#', 'h');
      const listed = await sessionSubscriptions.list(key);
      expect(new Set(listed)).toEqual(
        new Set(filters.map((filter) => ({ filter, generation: filter === '#' ? 'h' : 'g' }))),
      );
    });

    test('returns the QoS of a subscription if it was given', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      await sessionSubscriptions.put(key, 'a', 'g', 1);
      await sessionSubscriptions.put(key, 'b', 'g', 0);
      await sessionSubscriptions.put(key, 'a', 'g', 2);
      expect(await sessionSubscriptions.list(key)).toEqual([
        { filter: 'a', generation: 'g', qos: 2 },
        { filter: 'b', generation: 'g', qos: 0 },
      ]);
    });

    test('says from where retained messages wait, until the subscription is put again', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      const entry = { filter: 'a', generation: 'g' };
      await sessionSubscriptions.setRetainedFrom(key, { ...entry, retainedFrom: '' });
      expect(await sessionSubscriptions.list(key)).toEqual([]);
      await sessionSubscriptions.renew(key, { ...entry, qos: 1 });
      const waiting = { ...entry, retainedFrom: '', subscriptionIdentifier: 7 };
      await sessionSubscriptions.setRetainedFrom(key, { ...waiting, generation: 'h' });
      expect(await sessionSubscriptions.list(key)).toEqual([{ ...entry, qos: 1 }]);
      await sessionSubscriptions.setRetainedFrom(key, waiting);
      await sessionSubscriptions.setRetainedFrom(key, { ...waiting, retainedFrom: 'b' }, 'elsewhere');
      await sessionSubscriptions.renew(key, { ...entry, qos: 2 });
      expect(await sessionSubscriptions.list(key)).toEqual([{ ...waiting, qos: 2 }]);
      await sessionSubscriptions.setRetainedFrom(key, { ...waiting, retainedFrom: 'b' }, '');
      expect(await sessionSubscriptions.list(key)).toEqual([{ ...waiting, retainedFrom: 'b', qos: 2 }]);
      await sessionSubscriptions.setRetainedFrom(key, entry, 'b');
      expect(await sessionSubscriptions.list(key)).toEqual([{ ...entry, qos: 2 }]);
      await sessionSubscriptions.setRetainedFrom(key, waiting);
      await sessionSubscriptions.renew(key, { filter: 'a', generation: 'h' });
      expect(await sessionSubscriptions.list(key)).toEqual([{ filter: 'a', generation: 'h' }]);
    });

    test('deletes a filter only for the generation that put it', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      await sessionSubscriptions.put(key, 'a', 'g');
      await sessionSubscriptions.delete(key, 'a', 'another');
      await sessionSubscriptions.delete(key, 'b', 'g');
      expect(await sessionSubscriptions.list(key)).toEqual([{ filter: 'a', generation: 'g' }]);
      await sessionSubscriptions.delete(key, 'a', 'g');
      expect(await sessionSubscriptions.list(key)).toEqual([]);
    });

    test('is read beyond a page of 1 MB', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      const count = 1_100;
      for (let start = 0; start < count; start += 100)
        await Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            sessionSubscriptions.put(key, `${start + index}/${'x'.repeat(990)}`, 'g'),
          ),
        );
      expect(await sessionSubscriptions.list(key)).toHaveLength(count);
    });

    test('takes many filters at once, and finds the wanted ones', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      const entries = Array.from({ length: 60 }, (_, index) => ({
        filter: `f/${index}`,
        generation: 'g',
        qos: 1 as const,
      }));
      await sessionSubscriptions.putMany(key, entries);
      await sessionSubscriptions.putMany(key, []);
      expect(await sessionSubscriptions.list(key)).toHaveLength(entries.length);
      for (const count of [1, 3, 20]) {
        const filters = entries.slice(0, count).map(({ filter }) => filter);
        const found = await sessionSubscriptions.find(key, [...filters, 'absent']);
        expect(new Set(found)).toEqual(new Set(entries.slice(0, count)));
      }
    });

    test('is counted up to the limit', async () => {
      const { sessionSubscriptions } = world.process();
      const key = newKey();
      for (const filter of ['a', 'b', 'c']) await sessionSubscriptions.put(key, filter, 'g');
      expect(await sessionSubscriptions.count(key, 10)).toBe(3);
      expect(await sessionSubscriptions.count(key, 2)).toBe(2);
    });
  });
}
