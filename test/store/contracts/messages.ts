import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FanoutSlice } from '../../../lib/core/model.ts';
import { bucketsOf } from '../../../lib/store/messages.ts';
import { recorder, type World } from '../world.ts';
import { everyByte, messageOf } from './samples.ts';

/** Table Messages. */
export function messagesContract(name: string, open: () => Promise<World>): void {
  describe(`messages: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const full = () =>
      messageOf({
        payload: everyByte,
        qos: 2,
        retain: true,
        publisher: 'someone',
        expiresAtMs: world.clock.now() + 1_000,
        properties: { contentType: 'text/plain', correlationData: everyByte, userProperties: [['a', 'b']] },
      });

    test('a message comes back as it was, in other processes too, and is read once', async () => {
      const tenant = world.tenant();
      const one = full();
      const other = messageOf();
      await world.process().messages.put(tenant, [one, other], 60);
      const calls = recorder();
      const { messages } = world.process(calls);
      expect(await messages.get(tenant, [one.id, other.id, 'unknown'])).toEqual(
        new Map([
          [one.id, one],
          [other.id, other],
        ]),
      );
      const before = calls.operations.length;
      expect(await messages.get(tenant, [other.id, one.id])).toHaveProperty('size', 2);
      expect(calls.operations).toHaveLength(before);
      expect(await messages.get(tenant, [])).toEqual(new Map());
    });

    test('more messages than fit a batch', async () => {
      const tenant = world.tenant();
      const many = Array.from({ length: 130 }, () => messageOf());
      await world.process().messages.put(tenant, many, 60);
      const ids = many.map(({ id }) => id);
      expect((await world.process().messages.get(tenant, ids)).size).toBe(130);
    });

    test('no tenant finds the messages of another', async () => {
      const [one, two] = [world.tenant(), world.tenant()];
      const { messages } = world.process();
      const message = messageOf();
      await messages.put(one, [message], 60);
      expect(await messages.get(two, [message.id])).toEqual(new Map());
    });

    test('every row lies in a bucket of its tenant, has a version and goes by TTL', async () => {
      const tenant = world.tenant();
      const { messages } = world.process();
      await messages.put(tenant, [messageOf(), messageOf(), messageOf()], 60);
      await messages.setProgress(sliceOf(tenant), { done: 'x' });
      await messages.noteQueuedTopic(tenant, 'a/b', world.clock.now() + 1_000);
      const rows = (
        await Promise.all(bucketsOf(tenant).map((bucket) => world.items('messages', bucket)))
      ).flat();
      expect(rows).toHaveLength(5);
      const nowSeconds = world.clock.now() / 1000;
      for (const row of rows) {
        expect(row.v).toEqual({ N: '1' });
        expect(Number(row.ttl?.N)).toBeGreaterThan(nowSeconds);
      }
    });

    const sliceOf = (tenant: FanoutSlice['tenant'], changes: Partial<FanoutSlice> = {}): FanoutSlice => ({
      tenant,
      id: 'fanout',
      topic: 'a/b',
      filters: ['a/+'],
      messageIds: [],
      again: [],
      slice: 3,
      slices: 16,
      ...changes,
    });

    test('progress of each slice of each fan-out is kept apart', async () => {
      const tenant = world.tenant();
      const { messages } = world.process();
      const slice = sliceOf(tenant);
      expect(await messages.progress(slice)).toBeUndefined();
      await messages.setProgress(slice, { begun: '0a' });
      expect(await messages.progress(slice)).toEqual({ begun: '0a' });
      await messages.setProgress(slice, { done: '0a', begun: '0b' });
      expect(await messages.progress(slice)).toEqual({ done: '0a', begun: '0b' });
      expect(await messages.progress(sliceOf(tenant, { slice: 4 }))).toBeUndefined();
      expect(await messages.progress(sliceOf(tenant, { id: 'another' }))).toBeUndefined();
      expect(await messages.progress(sliceOf(world.tenant()))).toBeUndefined();
    });
  });
}
