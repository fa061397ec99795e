import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { QueueEntry } from '../../../lib/core/model.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { loseFirstAnswer, meetAt, oddNames, recorder, ttlFromNow, type World } from '../world.ts';
import {
  alone,
  entryOf,
  fullMessage,
  keyOf,
  messageOf,
  newAddress,
  newestAt,
  partitionOf,
  plain,
  rowsPerRound,
  sessionOf,
} from './samples.ts';

const sequencesOf = (entries: readonly QueueEntry[]) => entries.map((entry) => entry.sequence);

/** The outbound queues in table Sessions. */
export function queueContract(name: string, open: () => Promise<World>): void {
  describe(`queue: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const newKey = (clientId?: string) => keyOf(world.tenant(), clientId);
    /** Puts messages that have these rows to themselves. */
    const put = async (key: ReturnType<typeof keyOf>, rows: readonly number[]) => {
      const { queue } = world.process();
      for (let start = 0; start < rows.length; start += 100) {
        const entries = rows.slice(start, start + 100).map((row) => entryOf('g', alone(row)));
        expect(await queue.put(key, entries)).toEqual([]);
      }
    };

    test('reads back what was put, with and without its optional parts', async () => {
      const { queue } = world.process();
      const key = newKey('dev/ö 😀');
      const entries = [
        entryOf('g', alone(1)),
        entryOf('g', alone(2), {
          qos: 2,
          retain: true,
          subscriptionIdentifiers: [3, 268_435_455, 1],
          pushedTo: newAddress(),
          dropAtMs: 9,
          message: fullMessage(),
        }),
        // Delivered at a lower QoS than published, and without the publisher's RETAIN.
        entryOf('g', alone(3), { qos: 1, message: fullMessage({ qos: 2, retain: true }) }),
      ];
      expect(await queue.put(key, entries)).toEqual([]);
      expect(plain(await queue.list(key, newestAt(3), 10))).toEqual({ entries, more: false });
      expect(plain(await queue.get(key, alone(2)))).toEqual(entries[1]);
      for (const identifier of [2, alone(2) + 1, alone(4)])
        expect(await queue.get(key, identifier)).toBeUndefined();
    });

    test('an entry that names its message takes one write unit and reads back whole', async () => {
      const calls = recorder();
      const { queue, messages } = world.process(calls);
      const key = newKey();
      const message = fullMessage({ payload: new Uint8Array(20_000), qos: 2 });
      await messages.put(key.tenant, [message], 60);
      const named = entryOf('g', alone(1), { qos: 1, message, byReference: true });
      const whole = entryOf('g', alone(2), { message: fullMessage() });
      expect(await queue.put(key, [named, whole])).toEqual([]);
      const [row] = (await world.items('sessions', partitionOf(key))).filter(({ seq }) => seq?.N === '1');
      expect(JSON.stringify(row).length).toBeLessThan(600);
      const read = world.process().queue;
      expect(plain(await read.list(key, newestAt(2), 10))).toEqual({ entries: [named, whole], more: false });
      expect(plain(await read.get(key, 1))).toEqual(named);
    });

    test('a released entry that named its message is read without it', async () => {
      const { queue, messages } = world.process();
      const key = newKey();
      const message = messageOf({ qos: 2 });
      await messages.put(key.tenant, [message], 60);
      await queue.put(key, [entryOf('g', 1, { qos: 2, message, byReference: true })]);
      expect(await queue.release(key, [1])).toEqual(new Set([1]));
      const calls = recorder();
      expect(await world.process(calls).queue.get(key, 1)).toMatchObject({ released: true, sequence: 1 });
      expect(calls.operations).toEqual(['GetItem']);
    });

    test('an entry whose message is gone is left out and deleted', async () => {
      const { queue } = world.process();
      const key = newKey();
      const kept = entryOf('g', alone(2));
      await queue.put(key, [entryOf('g', 1, { byReference: true }), kept]);
      expect(plain(await queue.list(key, newestAt(2), 10))).toEqual({ entries: [kept], more: false });
      expect(await world.items('sessions', partitionOf(key))).toHaveLength(1);
    });

    test('an entry whose packet identifier is taken is returned, the others are stored', async () => {
      const { queue } = world.process();
      const key = newKey();
      const old = entryOf('g', alone(7));
      await queue.put(key, [old]);
      const [free, taken] = [entryOf('g', alone(rowsPerRound + 6)), entryOf('g', alone(rowsPerRound + 7))];
      expect(await queue.put(key, [free, taken])).toEqual([taken]);
      expect(plain(await queue.get(key, alone(7)))).toEqual(old);
      expect(plain(await queue.get(key, alone(6)))).toEqual(free);
    });

    test('of two that put different entries under one identifier exactly one wins', async () => {
      const { queue } = world.process(meetAt('PutItem', 2));
      const key = newKey();
      const [one, two] = [entryOf('g', 1), entryOf('h', 1)];
      const refused = await Promise.all([queue.put(key, [one]), queue.put(key, [two])]);
      expect(refused.map((entries) => entries.length).toSorted()).toEqual([0, 1]);
      expect(plain(await queue.get(key, 1))).toEqual(refused[0].length === 0 ? one : two);
    });

    test('putting succeeds although the first answer is lost', async () => {
      const fault = loseFirstAnswer('PutItem');
      const { queue } = world.process(fault);
      const key = newKey();
      const entries = [entryOf('g', alone(1)), entryOf('g', alone(2))];
      expect(await queue.put(key, entries)).toEqual([]);
      expect(fault.lost()).toBe(true);
      expect(plain(await queue.list(key, newestAt(2), 10)).entries).toEqual(entries);
    });

    test('the oldest come first, as many as asked for', async () => {
      const { queue } = world.process();
      const key = newKey();
      await put(key, [5, 3, 9, 10, 4]);
      const all = await queue.list(key, newestAt(10), 10);
      expect(sequencesOf(all.entries)).toEqual([3, 4, 5, 9, 10].map(alone));
      const { entries, more } = await queue.list(key, newestAt(10), 3);
      expect([sequencesOf(entries), more]).toEqual([[3, 4, 5].map(alone), true]);
    });

    test('an empty queue', async () => {
      const { queue } = world.process();
      for (const newest of [0, 8, 65_528, 65_536, 200_000])
        expect(await queue.list(newKey(), newest, 10)).toEqual({ entries: [], more: false });
      expect(await queue.count(newKey(), 10)).toBe(0);
    });

    test.each([
      ['at the end of the first round', [-2, -1, 0], 0],
      ['across it', [-1, 0, 1, 2], 2],
      ['right behind it', [1, 2], 2],
      ['with one left from nearly a round ago', [2 - rowsPerRound, 0, 1], 1],
      ['at the end of the second round', [rowsPerRound - 1, rowsPerRound], rowsPerRound],
      ['across that', [rowsPerRound - 2, rowsPerRound, rowsPerRound + 1, rowsPerRound + 2], rowsPerRound + 2],
      ['with the newest at the last identifier', [1, rowsPerRound - 1, rowsPerRound], rowsPerRound],
      ['far along', [999_990, 1_000_000, 1_000_001], 1_000_001],
    ] as const)('packet identifiers go round: %s', async (_, beyond, newest) => {
      const { queue } = world.process();
      const key = newKey();
      // Counted from the last row of the first round.
      const rows = beyond.map((row) => rowsPerRound + row);
      await put(key, rows.toReversed());
      const all = await queue.list(key, newestAt(rowsPerRound + newest), 100);
      expect([sequencesOf(all.entries), all.more]).toEqual([rows.map(alone), false]);
      for (let limit = 1; limit < rows.length; limit += 1) {
        const some = await queue.list(key, newestAt(rowsPerRound + newest), limit);
        expect([sequencesOf(some.entries), some.more]).toEqual([rows.slice(0, limit).map(alone), true]);
      }
    });

    test.each([
      ['in the first round', 40, 100],
      ['at the turn', rowsPerRound - 5, rowsPerRound + 55],
      ['after it', rowsPerRound + 65, rowsPerRound + 165],
      ['before the second turn', 2 * rowsPerRound - 70, 2 * rowsPerRound - 10],
    ] as const)('what was queued after the session was read is left out: %s', async (_, newest, last) => {
      const { queue } = world.process();
      const key = newKey();
      const older = [newest - 3, newest - 2, newest];
      const newer = Array.from({ length: last - newest }, (__, index) => newest + 1 + index);
      await put(key, [...newer, ...older]);
      for (const limit of [2, 3, 10]) {
        const { entries } = await queue.list(key, newestAt(newest), limit);
        expect(sequencesOf(entries)).toEqual(older.slice(0, limit).map(alone));
      }
    });

    test('a page of large payloads ends at 1 MB and says that there is more; nothing is lost or out of order', async () => {
      const { queue } = world.process();
      const key = newKey();
      const payload = new Uint8Array(131_000).fill(250);
      const sequences = Array.from({ length: 12 }, (_, index) => alone(rowsPerRound - 5 + index));
      for (const sequence of sequences)
        await queue.put(key, [entryOf('g', sequence, { message: messageOf({ payload }) })]);
      const seen: number[] = [];
      for (;;) {
        const { entries, more } = await queue.list(key, newestAt(rowsPerRound + 6), 200);
        seen.push(...sequencesOf(entries));
        await queue.delete(
          key,
          entries.map((entry) => entry.packetIdentifier),
        );
        if (!more) break;
        expect(entries.length).toBeGreaterThan(0);
        expect(entries.length).toBeLessThan(12);
      }
      expect(seen).toEqual(sequences);
    });

    test('a first round costs one query, a later one two', async () => {
      const calls = recorder();
      const { queue } = world.process(calls);
      const key = newKey();
      await queue.list(key, newestAt(rowsPerRound), 10);
      expect(calls.operations).toEqual(['Query']);
      await queue.list(key, newestAt(rowsPerRound + 1), 10);
      expect(calls.operations).toEqual(['Query', 'Query', 'Query']);
      for (const { input } of calls.calls) expect(input.ConsistentRead).toBe(true);
    });

    test('counts entries and nothing else of the session, no further than asked', async () => {
      const { queue, sessions, sessionSubscriptions, receivedMarks } = world.process();
      const key = newKey();
      await sessions.replace(sessionOf(key), undefined);
      await sessionSubscriptions.put(key, 'q#x', 'g');
      await receivedMarks.put(key, 'g', 1, 'm');
      await put(
        key,
        Array.from({ length: 30 }, (_, index) => index + 1),
      );
      expect(await queue.count(key, 100)).toBe(30);
      expect(await queue.count(key, 30)).toBe(30);
      expect(await queue.count(key, 7)).toBe(7);
    });

    test('counts beyond a page of 1 MB', async () => {
      const { queue } = world.process();
      const key = newKey();
      const payload = new Uint8Array(130_000);
      for (let row = 1; row <= 20; row += 1)
        await queue.put(key, [entryOf('g', alone(row), { message: messageOf({ payload }) })]);
      expect(await queue.count(key, 100)).toBe(20);
      expect(await queue.count(key, 15)).toBe(15);
    });

    test('deletes one, many, those that are gone, and none', async () => {
      const { queue } = world.process();
      const key = newKey();
      const rows = Array.from({ length: 60 }, (_, index) => index + 1);
      await put(key, rows);
      await queue.delete(key, [1]);
      await queue.delete(key, [1]);
      await queue.delete(key, []);
      expect(await queue.count(key, 100)).toBe(59);
      await queue.delete(key, [...rows.slice(0, 58).map(alone), alone(rowsPerRound)]);
      expect(sequencesOf((await queue.list(key, newestAt(60), 10)).entries)).toEqual([59, 60].map(alone));
    });

    test('releasing drops payload and properties, keeps the place, and may come twice', async () => {
      const { queue } = world.process();
      const key = newKey();
      const entry = entryOf('g', 1, { qos: 2, message: fullMessage() });
      await queue.put(key, [entry, entryOf('g', alone(2), { qos: 1 })]);
      expect(await queue.release(key, [1])).toEqual(new Set([1]));
      expect(await queue.release(key, [1])).toEqual(new Set([1]));
      const released = plain(await queue.get(key, 1));
      expect(released).toEqual({
        ...entry,
        released: true,
        message: { ...entry.message, payload: new Uint8Array(0), properties: {} },
      });
      expect(await queue.release(key, [alone(2), alone(3)])).toEqual(new Set());
      expect((await queue.get(key, alone(2)))?.released).toBe(false);
      expect(await queue.get(key, alone(3))).toBeUndefined();
    });

    test('the first sequence owns a message, whoever asks again', async () => {
      const { queue } = world.process();
      const key = newKey();
      expect(await queue.own(key, 'g', 'm', 5)).toBe(5);
      expect(await queue.own(key, 'g', 'm', 5)).toBe(5);
      expect(await queue.own(key, 'g', 'm', 6)).toBe(5);
      expect(await queue.own(key, 'g', 'other', 6)).toBe(6);
      // What an earlier session got is nothing to a new one.
      expect(await queue.own(key, 'h', 'm', 6)).toBe(6);
      expect(await queue.own(key, 'h', 'm', 5)).toBe(6);
    });

    test('of two sequences that ask at once one owns, and both learn which', async () => {
      const { queue } = world.process(meetAt('PutItem', 2));
      const key = newKey();
      const owners = await Promise.all([queue.own(key, 'g', 'm', 1), queue.own(key, 'g', 'm', 2)]);
      expect(new Set(owners).size).toBe(1);
      expect([1, 2]).toContain(owners[0]);
    });

    test('owning succeeds although the first answer is lost', async () => {
      const fault = loseFirstAnswer('PutItem');
      const { queue } = world.process(fault);
      const key = newKey();
      expect(await queue.own(key, 'g', 'm', 1)).toBe(1);
      expect(fault.lost()).toBe(true);
      expect(await queue.own(key, 'g', 'm', 2)).toBe(1);
    });

    test('deletes the entries that are picked, beyond a page of 1 MB', async () => {
      const { queue } = world.process();
      const key = newKey();
      const entries = Array.from({ length: 30 }, (_, index) => {
        const entry = entryOf('g', alone(index + 1));
        return { ...entry, message: { ...entry.message, payload: new Uint8Array(50_000) } };
      });
      await queue.put(key, entries);
      const kept = [10, 20, 30].map(alone);
      await queue.deleteWhere(key, (entry) => !kept.includes(entry.sequence));
      expect(sequencesOf((await queue.list(key, newestAt(30), 100)).entries)).toEqual(kept);
      await queue.deleteWhere(key, () => false);
      expect(await queue.count(key, 10)).toBe(3);
    });

    test('sweeping takes what one generation has left and nothing else', async () => {
      const { queue, sessions, sessionSubscriptions, receivedMarks } = world.process();
      const key = newKey();
      await sessions.replace(sessionOf(key, { generation: 'old' }), undefined);
      await sessionSubscriptions.put(key, 'f', 'old');
      const old = Array.from({ length: 40 }, (_, index) => entryOf('old', alone(index + 1)));
      await queue.put(key, [...old, entryOf('new', alone(41))]);
      for (const generation of ['old', 'new']) {
        await queue.own(key, generation, `m-${generation}`, 1);
        await receivedMarks.put(key, generation, generation === 'old' ? 1 : 2, 'm');
      }
      await queue.sweep(key, 'old');
      await queue.sweep(key, 'old');
      const kinds = (await world.items('sessions', partitionOf(key))).map((row) => row.kind?.S);
      expect(kinds).toEqual(['m#m-new', 'q#00321', 'r#00002', 'session', 'sub#f']);
    });

    test('sweeping goes beyond a page of 1 MB', async () => {
      const { queue } = world.process();
      const key = newKey();
      const payload = new Uint8Array(130_000);
      for (let row = 1; row <= 20; row += 1)
        await queue.put(key, [entryOf('g', alone(row), { message: messageOf({ payload }) })]);
      await queue.sweep(key, 'g');
      expect(await queue.count(key, 100)).toBe(0);
    });

    test.each(oddNames)('keeps clients apart: %s', async (_, clientId) => {
      const { queue } = world.process();
      const tenant = world.tenant();
      const [key, other] = [keyOf(tenant, clientId), keyOf(tenant, `${clientId}x`)];
      const entry = entryOf('g', 1, { message: messageOf({ topic: clientId, publisher: clientId }) });
      await queue.put(key, [entry]);
      expect(plain((await queue.list(key, 1, 10)).entries)).toEqual([entry]);
      expect(await queue.count(other, 10)).toBe(0);
    });

    test('one tenant never sees another', async () => {
      const { queue } = world.process();
      const [one, two] = [newKey(), newKey()];
      const entry = entryOf('g', 1, { qos: 2 });
      await queue.put(one, [entry]);
      expect(await queue.own(one, 'g', 'm', 1)).toBe(1);
      expect((await queue.list(two, 1, 10)).entries).toEqual([]);
      expect(await queue.get(two, 1)).toBeUndefined();
      expect(await queue.count(two, 10)).toBe(0);
      expect(await queue.release(two, [1])).toEqual(new Set());
      expect(await queue.own(two, 'g', 'm', 2)).toBe(2);
      await queue.delete(two, [1]);
      await queue.sweep(two, 'g');
      expect(await queue.put(two, [entryOf('h', 1)])).toEqual([]);
      expect(plain(await queue.get(one, 1))).toEqual(entry);
      expect(await queue.own(one, 'g', 'm', 2)).toBe(1);
    });

    test('items carry their format version; marks of ownership a time to live of days', async () => {
      const { queue } = world.process();
      const key = newKey();
      await queue.put(key, [entryOf('g', 1, { qos: 2 })]);
      await queue.release(key, [1]);
      await queue.own(key, 'g', 'm', 1);
      const [owned, entry] = await world.items('sessions', partitionOf(key));
      expect([owned?.v, entry?.v]).toEqual([{ N: '1' }, { N: '1' }]);
      const days = (ttlFromNow(owned, world.clock) ?? 0) / 86_400;
      expect(days).toBeGreaterThanOrEqual(1);
      expect(days).toBeLessThanOrEqual(30);
      // An entry lives as long as its session, however long that is offline.
      expect(ttlFromNow(entry, world.clock)).toBeUndefined();
    });

    test.each([
      ['without a sequence', { seq: { S: '1' } }],
      ['without a payload', { body: { S: '1' } }],
      ['of a newer release', { v: { N: '2' } }],
    ] as const)('an item %s is refused', async (_, change) => {
      const { queue } = world.process();
      const key = newKey();
      await put(key, [1]);
      const [row] = await world.items('sessions', partitionOf(key));
      await world.putItem('sessions', { ...row, ...change });
      await expect(queue.get(key, 1)).rejects.toThrow(ItemFormatError);
      await expect(queue.list(key, 1, 10)).rejects.toThrow(ItemFormatError);
    });
  });
}
