import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Message } from '../../../lib/core/model.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { compareUtf8, topicLimits } from '../../../lib/topics/index.ts';
import { meetAt, oddNames, ttlFromNow, type World } from '../world.ts';
import { everyByte, fullMessage, messageOf, plain } from './samples.ts';

/** Table Retained. */
export function retainedContract(name: string, open: () => Promise<World>): void {
  describe(`retained: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const retained = (changes: Partial<Message> = {}) => messageOf({ retain: true, ...changes });

    test('keeps the last message of a topic, with all it has', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const [first, last] = [fullMessage({ topic: 't' }), retained({ topic: 't', qos: 0 })];
      await store.put(tenant, first);
      expect(plain(await store.get(tenant, 't'))).toEqual(first);
      await store.put(tenant, last);
      expect(plain(await store.get(tenant, 't'))).toEqual(last);
    });

    test('deletes, twice without harm', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      await store.put(tenant, retained({ topic: 't' }));
      await store.delete(tenant, 't');
      await store.delete(tenant, 't');
      expect(await store.get(tenant, 't')).toBeUndefined();
      expect(await world.items('retained', tenant)).toEqual([]);
    });

    test('two publishers leave one message, never a mixture', async () => {
      const { retained: store } = world.process(meetAt('PutItem', 2));
      const tenant = world.tenant();
      const [one, two] = [fullMessage({ topic: 't' }), retained({ topic: 't' })];
      await Promise.all([store.put(tenant, one), store.put(tenant, two)]);
      const left = plain(await store.get(tenant, 't'));
      expect([one, two]).toContainEqual(left);
    });

    test.each(oddNames)('keeps topics as they are: %s', async (_, topic) => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const message = retained({ topic });
      await store.put(tenant, message);
      await store.put(tenant, retained({ topic: `${topic}x` }));
      expect(plain(await store.get(tenant, topic))).toEqual(message);
      expect(plain((await store.page(tenant, topic, topic, 1)).messages)).toEqual([message]);
    });

    test('longest topic, largest payload', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const topic = 'ö'.repeat(topicLimits.maxBytes / 2);
      const message = retained({ topic, payload: new Uint8Array(131_072).fill(200) });
      await store.put(tenant, message);
      expect(plain(await store.get(tenant, topic))).toEqual(message);
      expect((await store.page(tenant, topic, topic, 10)).messages).toHaveLength(1);
    });

    test('properties of every control character fit into an item', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const value = '\u0001"\\'.repeat(21_000);
      const message = retained({
        topic: 't',
        properties: {
          userProperties: [
            ['', value],
            [value, ''],
          ],
        },
      });
      await store.put(tenant, message);
      expect(plain(await store.get(tenant, 't'))).toEqual(message);
    });

    test('pages go through a prefix in the order of UTF-8 bytes', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const inside = ['a/', 'a/!', 'a/b', 'a/b/c', 'a/\u00ff', 'a/\uffee', 'a/\u{10000}', 'a/\u{10ffff}'];
      for (const topic of [...inside, 'a', 'a!', 'a0', 'b', 'A/b'])
        await store.put(tenant, retained({ topic }));
      const seen: string[] = [];
      let from: string | undefined = 'a/';
      while (from !== undefined) {
        const page: Awaited<ReturnType<typeof store.page>> = await store.page(tenant, 'a/', from, 3);
        expect(page.messages.length).toBeLessThanOrEqual(3);
        seen.push(...page.messages.map((message) => message.topic));
        from = page.more ? `${seen.at(-1)}\0` : undefined;
      }
      expect(seen).toEqual(inside.toSorted(compareUtf8));
    });

    test('an empty prefix goes through everything of the tenant, and of nobody else', async () => {
      const { retained: store } = world.process();
      const [one, two] = [world.tenant(), world.tenant()];
      for (const topic of ['/', 'a', '\u{10ffff}', '$SYS/x']) await store.put(one, retained({ topic }));
      await store.put(two, retained({ topic: 'a', payload: everyByte }));
      expect((await store.page(one, '', '', 10)).messages.map(({ topic }) => topic)).toEqual([
        '$SYS/x',
        '/',
        'a',
        '\u{10ffff}',
      ]);
      expect((await store.page(two, '', '', 10)).messages.map(({ topic }) => topic)).toEqual(['a']);
    });

    test('a seek behind the last topic of a prefix finds nothing', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      for (const topic of ['a/b', 'b']) await store.put(tenant, retained({ topic }));
      for (const from of ['a/c', 'a/b\0', 'a/\u{10ffff}', 'a/\u{10ffff}\u{10ffff}', 'b', 'a0'])
        expect(await store.page(tenant, 'a/', from, 10)).toEqual({ messages: [], more: false });
    });

    test('a page of large messages ends at 1 MB and says that there is more', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      const payload = new Uint8Array(131_072).fill(7);
      for (let index = 0; index < 10; index += 1)
        await store.put(tenant, retained({ topic: `t/${index}`, payload }));
      const first = await store.page(tenant, 't/', 't/', 100);
      expect(first.more).toBe(true);
      expect(first.messages.length).toBeGreaterThan(0);
      expect(first.messages.length).toBeLessThan(10);
      const rest = await store.page(tenant, 't/', `${first.messages.at(-1)?.topic}\0`, 100);
      expect(first.messages.length + rest.messages.length).toBe(10);
    });

    test('one tenant never sees another', async () => {
      const { retained: store } = world.process();
      const [one, two] = [world.tenant(), world.tenant()];
      const message = retained({ topic: 't' });
      await store.put(one, message);
      expect(await store.get(two, 't')).toBeUndefined();
      await store.delete(two, 't');
      await store.put(two, retained({ topic: 't', payload: everyByte }));
      expect(plain(await store.get(one, 't'))).toEqual(message);
    });

    test('items carry their format version; those that expire a time to live', async () => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      await store.put(tenant, retained({ topic: 'for ever' }));
      await store.put(tenant, retained({ topic: 'hour', expiresAtMs: world.clock.now() + 3_600_500 }));
      const [forEver, hour] = await world.items('retained', tenant);
      expect([forEver?.v, hour?.v]).toEqual([{ N: '1' }, { N: '1' }]);
      expect(ttlFromNow(forEver, world.clock)).toBeUndefined();
      expect(ttlFromNow(hour, world.clock)).toBe(3_601);
      await store.put(tenant, retained({ topic: 'hour' }));
      expect(ttlFromNow((await world.items('retained', tenant))[1], world.clock)).toBeUndefined();
    });

    test.each([
      ['without a payload', { body: { S: 'text' } }],
      ['with properties that are no map', { props: { S: '{}' } }],
      ['of a newer release', { v: { N: '2' } }],
    ] as const)('an item %s is refused', async (_, change) => {
      const { retained: store } = world.process();
      const tenant = world.tenant();
      await store.put(tenant, fullMessage({ topic: 't' }));
      const [row] = await world.items('retained', tenant);
      await world.putItem('retained', { ...row, ...change });
      await expect(store.get(tenant, 't')).rejects.toThrow(ItemFormatError);
      await expect(store.page(tenant, 't', 't', 1)).rejects.toThrow(ItemFormatError);
    });
  });
}
