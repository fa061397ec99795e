import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loseFirstAnswer, meetAt, type World } from '../world.ts';
import { keyOf } from './samples.ts';

/** Table Sessions: marks of received QoS 2 messages. */
export function receivedMarksContract(name: string, open: () => Promise<World>): void {
  describe(`marks of received messages: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const newKey = () => keyOf(world.tenant());

    test('keep the first id', async () => {
      const { receivedMarks } = world.process();
      const key = newKey();
      expect(await receivedMarks.put(key, 'g', 1, 'm1')).toEqual({ messageId: 'm1', first: true });
      expect(await receivedMarks.put(key, 'g', 1, 'm2')).toEqual({ messageId: 'm1', first: false });
      expect(await receivedMarks.put(key, 'g', 65_535, 'm3')).toEqual({ messageId: 'm3', first: true });
      // A mark of an earlier session does not count for a new one.
      expect(await receivedMarks.put(key, 'h', 1, 'm4')).toEqual({ messageId: 'm4', first: true });
    });

    test('of two handlers at once: one is first, both get its id', async () => {
      const { receivedMarks } = world.process(meetAt('PutItem', 2));
      const key = newKey();
      const marks = await Promise.all([
        receivedMarks.put(key, 'g', 1, 'm1'),
        receivedMarks.put(key, 'g', 1, 'm2'),
      ]);
      expect(marks.map((mark) => mark.first).toSorted()).toEqual([false, true]);
      expect(new Set(marks.map((mark) => mark.messageId)).size).toBe(1);
    });

    test('are first although the first answer is lost', async () => {
      const fault = loseFirstAnswer('PutItem');
      const { receivedMarks } = world.process(fault);
      const key = newKey();
      expect(await receivedMarks.put(key, 'g', 1, 'm1')).toEqual({ messageId: 'm1', first: true });
      expect(fault.lost()).toBe(true);
    });

    test('are deleted once, and only by their generation', async () => {
      const { receivedMarks } = world.process();
      const key = newKey();
      await receivedMarks.put(key, 'g', 1, 'm1');
      expect(await receivedMarks.delete(key, 'another', 1)).toBe(false);
      expect(await receivedMarks.delete(key, 'g', 1)).toBe(true);
      expect(await receivedMarks.delete(key, 'g', 1)).toBe(false);
      expect(await receivedMarks.put(key, 'g', 1, 'm2')).toEqual({ messageId: 'm2', first: true });
    });

    test('are counted up to the limit', async () => {
      const { receivedMarks } = world.process();
      const key = newKey();
      for (const identifier of [1, 2, 65_535]) await receivedMarks.put(key, 'g', identifier, 'm');
      expect(await receivedMarks.count(key, 1_000)).toBe(3);
      expect(await receivedMarks.count(key, 2)).toBe(2);
    });
  });
}
