import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionAddress, QueueEntry } from '../../../lib/core/model.ts';
import { loseFirstAnswer, recorder, type World } from '../world.ts';
import {
  alone,
  entryOf,
  fullMessage,
  keyOf,
  messageOf,
  newestAt,
  partitionOf,
  plain,
  rowsPerRound,
} from './samples.ts';

const sequencesOf = (entries: readonly QueueEntry[]) => entries.map((entry) => entry.sequence);

/** Entries of the outbound queues that share a row of table Sessions. */
export function queueRowsContract(name: string, open: () => Promise<World>): void {
  describe(`queue: ${name}: entries that share a row`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const newKey = () => keyOf(world.tenant());
    const message = (changes = {}) => messageOf({ qos: 2, ...changes });
    /** The last five places of the second row. */
    const sharing = () =>
      [12, 13, 14, 15, 16].map((sequence, index) =>
        entryOf('g', sequence, {
          qos: index % 2 === 0 ? 2 : 1,
          message: index === 3 ? fullMessage() : message(),
          pushedTo: 'address' as ConnectionAddress,
          batch: { first: 12, storedAtMs: 5 },
          dropAtMs: 9,
        }),
      );
    const rowsOf = async (key: ReturnType<typeof keyOf>) =>
      (await world.items('sessions', partitionOf(key))).map(({ kind }) => kind?.S);

    test('are stored by one write and read back in order, between others', async () => {
      const calls = recorder();
      const { queue } = world.process(calls);
      const key = newKey();
      const entries = [entryOf('g', alone(1)), ...sharing(), entryOf('g', alone(3))];
      expect(await queue.put(key, entries)).toEqual([]);
      expect(calls.operations).toEqual(['PutItem', 'PutItem', 'PutItem']);
      expect(plain(await queue.list(key, newestAt(3), 10))).toEqual({ entries, more: false });
      expect(plain(await queue.list(key, newestAt(3), 3))).toEqual({
        entries: entries.slice(0, 3),
        more: true,
      });
      for (const entry of entries) expect(plain(await queue.get(key, entry.packetIdentifier))).toEqual(entry);
      expect(await queue.get(key, 11)).toBeUndefined();
      expect([await queue.count(key, 100), await queue.count(key, 7), await queue.count(key, 4)]).toEqual([
        7, 7, 4,
      ]);
    });

    test('are returned together where their row is taken', async () => {
      const { queue } = world.process();
      const key = newKey();
      await queue.put(key, sharing());
      const later = [newestAt(rowsPerRound) + 15, newestAt(rowsPerRound) + 16].map((sequence) =>
        entryOf('g', sequence),
      );
      expect(await queue.put(key, later)).toEqual(later);
      expect((await queue.list(key, newestAt(3), 10)).entries).toHaveLength(5);
    });

    test('are stored although the first answer is lost', async () => {
      const fault = loseFirstAnswer('PutItem');
      const key = newKey();
      expect(await world.process(fault).queue.put(key, sharing())).toEqual([]);
      expect(fault.lost()).toBe(true);
    });

    test.each([
      ['all at once', [[12, 13, 14, 15, 16]], ['DeleteItem']],
      [
        'in two parts, in order',
        [
          [12, 13],
          [14, 15, 16],
        ],
        ['UpdateItem', 'DeleteItem'],
      ],
      ['the last first', [[16], [12, 13, 14, 15]], ['DeleteItem', 'UpdateItem', 'UpdateItem', 'DeleteItem']],
      ['twice', [[12, 13, 14, 15, 16], [16]], ['DeleteItem', 'DeleteItem']],
    ])('are deleted by one write as they are acknowledged: %s', async (_, parts, operations) => {
      const key = newKey();
      const others = [entryOf('g', alone(1)), entryOf('g', alone(3))];
      await world.process().queue.put(key, [...sharing(), ...others]);
      const calls = recorder();
      const { queue } = world.process(calls);
      for (const part of parts) await queue.delete(key, part);
      expect(calls.operations).toEqual(operations);
      expect(await rowsOf(key)).toEqual(['q#00001', 'q#00017']);
    });

    test('are deleted with others in one go, and what is not there makes no row', async () => {
      const { queue } = world.process();
      const key = newKey();
      await queue.put(key, [entryOf('g', alone(1)), ...sharing(), entryOf('g', alone(3))]);
      await queue.delete(key, [alone(1), 12, 14, alone(3), 30, 31, 32]);
      expect(sequencesOf((await queue.list(key, newestAt(4), 10)).entries)).toEqual([13, 15, 16]);
      expect(await rowsOf(key)).toEqual(['q#00010']);
    });

    test('are released by one write, those that are there', async () => {
      const key = newKey();
      await world.process().queue.put(key, [...sharing(), entryOf('g', alone(3), { qos: 2 })]);
      const calls = recorder();
      const { queue } = world.process(calls);
      expect(await queue.release(key, [12, 14, 16, alone(3)])).toEqual(new Set([12, 14, 16, alone(3)]));
      expect(calls.operations).toEqual(['UpdateItem', 'UpdateItem']);
      // 13 has QoS 1, 11 is not there; 12 is released already.
      expect(await queue.release(key, [11, 12, 13, 14])).toEqual(new Set([12, 14]));
      const { entries } = await queue.list(key, newestAt(3), 10);
      expect(entries.map(({ released }) => released)).toEqual([true, false, true, false, true, true]);
      expect(entries[0]?.message).toMatchObject({ payload: new Uint8Array(0), properties: {} });
      expect(entries[3]?.message.payload.length).toBeGreaterThan(0);
    });

    test('are swept, picked and handed over like others', async () => {
      const { queue } = world.process();
      const key = newKey();
      const entries = sharing().map((entry, index) =>
        index === 1 ? { ...entry, share: '$share/g/t' } : entry,
      );
      await queue.put(key, entries);
      await queue.deleteWhere(key, ({ sequence }) => sequence === 12);
      const handed: number[] = [];
      await queue.sweep(key, 'g', async (shared) => {
        handed.push(...sequencesOf(shared));
      });
      expect(handed).toEqual([13]);
      expect(await rowsOf(key)).toEqual([]);
    });
  });
}
