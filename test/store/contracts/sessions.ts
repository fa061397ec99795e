import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClientKey, ConnectionAddress, Session, Will } from '../../../lib/core/model.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { loseFirstAnswer, meetAt, oddNames, recorder, ttlFromNow, type World } from '../world.ts';
import { keyOf, messageOf, newAddress, partitionOf, sessionOf } from './samples.ts';

const never = 0xffff_ffff;
const claimOf = (claimedBy: string, inFlight: number[] = [], resent: number[] = []) => ({
  claimedBy,
  inFlight: new Set(inFlight),
  resent: new Set(resent),
  opened: new Set<number>(),
  mode: 'queued' as const,
  onlyAtSequence: false,
});

/** Table Sessions: session rows, routes, and properties of all its rows but the queue. */
export function sessionsContract(name: string, open: () => Promise<World>): void {
  describe(`sessions: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const newKey = (clientId?: string) => keyOf(world.tenant(), clientId);
    const rowOf = async (key: ClientKey, kind = 'session') =>
      (await world.items('sessions', partitionOf(key))).find((row) => row.kind?.S === kind);
    const opened = async (changes: Partial<Session> = {}, key = newKey()) => {
      const session = sessionOf(key, changes);
      expect(await world.process().sessions.replace(session, undefined)).toBe(true);
      return session;
    };
    const offlineIn = (seconds: number) => ({
      expirySeconds: seconds,
      expiresAtMs: world.clock.now() + seconds * 1000,
    });

    describe('the row', () => {
      test('reads back what was written, with and without its optional parts', async () => {
        const { sessions } = world.process();
        const full = sessionOf(newKey('dev/ö 😀'), {
          protocolVersion: 3,
          clientMaxPacketBytes: 131_072,
          clientTopicAliasMaximum: 65_535,
          receiveMaximum: 1,
          mode: 'queued',
          sequence: 1_000_000_007,
          recountAtSequence: 1_000_001_000,
          claimVersion: 12,
          claimedBy: 'someone',
          inFlight: new Set([1, 65_535]),
          resent: new Set([2]),
          expirySeconds: never,
          expiresAtMs: 1_767_229_200_123,
        });
        const { address: _, ...offline } = sessionOf(newKey());
        for (const session of [full, offline, sessionOf(newKey())]) {
          expect(await sessions.replace(session, undefined)).toBe(true);
          expect(await sessions.get(session)).toEqual(session);
        }
        expect(await sessions.get(newKey())).toBeUndefined();
      });

      test('is replaced only while the generation and the connection that were read hold it', async () => {
        const { sessions } = world.process();
        const before = await opened({ sequence: 5, claimVersion: 3 });
        const after = { ...before, address: newAddress(), claimVersion: 4 };
        const { address: _, ...offline } = before;
        for (const stale of [
          undefined,
          { ...before, generation: 'another' },
          { ...before, address: newAddress() },
          offline,
        ])
          expect(await sessions.replace(after, stale)).toBe(false);
        expect(await sessions.get(before)).toEqual(before);
        expect(await sessions.replace(after, before)).toBe(true);
        expect(await sessions.get(before)).toEqual(after);
      });

      test('is replaced whatever is numbered and claimed meanwhile, and keeps it', async () => {
        const { sessions } = world.process();
        const before = await opened({ sequence: 5, recountAtSequence: 100 });
        await sessions.allocate(before, before.generation, 8);
        const claimed = await sessions.claim(before, { ...claimOf('me', [6], [2]), sendingUntilMs: 1 });
        const resumed = { ...before, address: newAddress() };
        expect(await sessions.replace(resumed, before)).toBe(true);
        const { claimedBy: _, sendingUntilMs: __, ...kept } = claimed ?? before;
        expect(await sessions.get(before)).toEqual({
          ...kept,
          address: resumed.address,
          mode: resumed.mode,
          sequence: 13,
          claimVersion: (claimed?.claimVersion ?? 0) + 1,
          inFlight: new Set(),
          resent: new Set([2, 6]),
        });
        const again = { ...resumed, address: newAddress(), recountAtSequence: 5 };
        expect(await sessions.replace(again, resumed)).toBe(true);
        expect(await sessions.get(before)).toMatchObject({ recountAtSequence: 13, resent: new Set([2, 6]) });

        const next = { ...before, address: newAddress(), generation: 'next', recountAtSequence: 15 };
        await sessions.allocate(before, before.generation, 8);
        expect(await sessions.replace(next, again)).toBe(true);
        expect(await sessions.get(before)).toMatchObject({
          generation: 'next',
          sequence: 21,
          recountAtSequence: 31,
          inFlight: new Set(),
          resent: new Set(),
        });
      });

      test('that is gone is not replaced', async () => {
        const session = sessionOf(newKey());
        expect(await world.process().sessions.replace(session, session)).toBe(false);
        expect(await rowOf(session)).toBeUndefined();
      });

      test('of two connections that open a session exactly one wins, whether it is new or not', async () => {
        const key = newKey();
        let previous: Session | undefined;
        for (const operation of ['PutItem', 'UpdateItem']) {
          const { sessions } = world.process(meetAt(operation, 2));
          const claimVersion = (previous?.claimVersion ?? 0) + 1;
          const contenders = [sessionOf(key, { claimVersion }), sessionOf(key, { claimVersion })];
          const won = await Promise.all(contenders.map((session) => sessions.replace(session, previous)));
          expect(won.toSorted()).toEqual([false, true]);
          previous = contenders[won.indexOf(true)];
          expect(await sessions.get(key)).toEqual(previous);
        }
      });

      test('after a lost answer tells by its address which connection holds it', async () => {
        const fault = loseFirstAnswer('PutItem');
        const { sessions } = world.process(fault);
        const session = sessionOf(newKey());
        await sessions.replace(session, undefined);
        expect(fault.lost()).toBe(true);
        expect(await sessions.get(session)).toEqual(session);
      });
    });

    describe('numbering', () => {
      test('gives each caller different numbers', async () => {
        const { sessions } = world.process(meetAt('UpdateItem', 20));
        const session = await opened();
        const ends = await Promise.all(
          Array.from({ length: 20 }, () => sessions.allocate(session, session.generation, 3)),
        );
        const sorted = ends.map((end) => end?.sequence ?? 0).toSorted((one, other) => one - other);
        expect(sorted).toEqual(Array.from({ length: 20 }, (_, index) => 3 * (index + 1)));
      });

      test('answers with the session as it is now', async () => {
        const session = await opened({ sequence: 65_535 });
        const { sessions } = world.process();
        expect(await sessions.allocate(session, session.generation, 1)).toEqual({
          ...session,
          sequence: 65_536,
        });
      });

      test('refuses another generation, and no row appears', async () => {
        const { sessions } = world.process();
        const session = await opened();
        expect(await sessions.allocate(session, 'another', 1)).toBeUndefined();
        expect((await sessions.get(session))?.sequence).toBe(0);
        const key = newKey();
        expect(await sessions.allocate(key, 'g', 1)).toBeUndefined();
        expect(await rowOf(key)).toBeUndefined();
      });

      test('repeated after a lost answer leaves a gap in the numbers, nothing else', async () => {
        const session = await opened();
        const { sessions } = world.process(loseFirstAnswer('UpdateItem'));
        expect((await sessions.allocate(session, session.generation, 2))?.sequence).toBe(4);
      });

      test('the next count is set for the generation that asks', async () => {
        const { sessions } = world.process();
        const session = await opened();
        await sessions.setRecount(session, session.generation, 2_000);
        await sessions.setRecount(session, 'another', 3_000);
        expect((await sessions.get(session))?.recountAtSequence).toBe(2_000);
        const key = newKey();
        await sessions.setRecount(key, 'g', 1);
        expect(await rowOf(key)).toBeUndefined();
      });
    });

    test('where retained messages wait is kept by the session, however it is resumed', async () => {
      const { sessions } = world.process();
      const session = await opened();
      const { generation } = session;
      const behind = async () => (await sessions.get(session))?.retainedBehind;
      expect(await sessions.setRetainedBehind(session, 'another', 5)).toBe(false);
      expect(await sessions.setRetainedBehind(session, generation, 5)).toBe(true);
      expect(await sessions.setRetainedBehind(session, generation, 6, 4)).toBe(false);
      expect(await sessions.setRetainedBehind(session, generation, Number.MAX_SAFE_INTEGER, 5)).toBe(true);
      expect(await behind()).toBe(Number.MAX_SAFE_INTEGER);
      expect(await sessions.replace({ ...session, claimVersion: 9 }, session)).toBe(true);
      expect(await behind()).toBe(Number.MAX_SAFE_INTEGER);
      expect(await sessions.setRetainedBehind(session, generation, undefined, 5)).toBe(false);
      expect(await sessions.setRetainedBehind(session, generation, undefined, Number.MAX_SAFE_INTEGER)).toBe(
        true,
      );
      expect(await behind()).toBeUndefined();
      await sessions.setRetainedBehind(session, generation, 5);
      expect(await sessions.replace({ ...session, generation: 'next' }, session)).toBe(true);
      expect(await behind()).toBeUndefined();
    });

    describe('claims', () => {
      test('are counted and store what is in flight, what is sent again and who claimed', async () => {
        const { sessions } = world.process();
        const session = await opened({ resent: new Set([9]) });
        const answer = await sessions.claim(session, {
          ...claimOf('me', [1, 2], [9, 10]),
          sendingUntilMs: 5,
        });
        const claimed: Session = {
          ...session,
          mode: 'queued',
          claimVersion: 2,
          claimedBy: 'me',
          sendingUntilMs: 5,
          inFlight: new Set([1, 2]),
          resent: new Set([9, 10]),
        };
        expect(answer).toEqual(claimed);
        expect(await sessions.get(session)).toEqual(claimed);
        const direct = await sessions.claim(claimed, { ...claimOf('you'), mode: 'direct' });
        expect(direct).toEqual({
          ...session,
          mode: 'direct',
          claimVersion: 3,
          claimedBy: 'you',
          inFlight: new Set(),
          resent: new Set(),
        });
        expect(await sessions.get(session)).toEqual(direct);
      });

      test('fail after another claim, on another connection, or offline', async () => {
        const { sessions } = world.process();
        const session = await opened();
        expect(await sessions.claim({ ...session, claimVersion: 0 }, claimOf('me'))).toBeUndefined();
        expect(await sessions.claim({ ...session, address: newAddress() }, claimOf('me'))).toBeUndefined();
        const { address: _, ...offline } = session;
        expect(await sessions.claim(offline, claimOf('me'))).toBeUndefined();
        expect(await sessions.get(session)).toEqual(session);
        const unknown = sessionOf(newKey());
        expect(await sessions.claim(unknown, claimOf('me'))).toBeUndefined();
        expect(await rowOf(unknown)).toBeUndefined();
      });

      test('bound to a sequence fail when more has been queued', async () => {
        const { sessions } = world.process();
        const session = await opened();
        const change = { ...claimOf('me'), mode: 'direct' as const, onlyAtSequence: true };
        const later = await sessions.allocate(session, session.generation, 1);
        expect(await sessions.claim(session, change)).toBeUndefined();
        expect(await sessions.claim(later ?? session, change)).toMatchObject({ mode: 'direct', sequence: 1 });
      });

      test('are not bound to it otherwise', async () => {
        const { sessions } = world.process();
        const session = await opened();
        await sessions.allocate(session, session.generation, 1);
        expect((await sessions.claim(session, claimOf('me', [1])))?.sequence).toBe(1);
        expect((await sessions.get(session))?.sequence).toBe(1);
      });

      test('of two handlers at once: exactly one succeeds', async () => {
        const { sessions } = world.process(meetAt('UpdateItem', 2));
        const session = await opened();
        const won = await Promise.all([
          sessions.claim(session, claimOf('one', [1])),
          sessions.claim(session, claimOf('two', [2])),
        ]);
        expect(won.filter((claimed) => claimed !== undefined)).toHaveLength(1);
        expect((await sessions.get(session))?.claimedBy).toBe(won[0] === undefined ? 'two' : 'one');
      });

      test('whose answer was lost are recognised by their id', async () => {
        const fault = loseFirstAnswer('UpdateItem');
        const { sessions } = world.process(fault);
        const session = await opened();
        const claimed = await sessions.claim(session, claimOf('me', [1]));
        expect(fault.lost()).toBe(true);
        const now = await sessions.get(session);
        expect([undefined, 'me']).toContain(claimed?.claimedBy);
        expect(now?.claimedBy).toBe('me');
        expect(now?.claimVersion).toBe(2);
      });
    });

    describe('going offline', () => {
      test('leaves the session to be resumed, until it expires', async () => {
        const { sessions } = world.process();
        const session = await opened({ sequence: 3, inFlight: new Set([3]) });
        const change = offlineIn(600);
        const { address: _, ...rest } = session;
        const offline: Session = { ...rest, ...change, mode: 'queued' };
        const address = session.address ?? newAddress();
        expect(await sessions.markOffline(session, address, change)).toEqual({
          session: offline,
          first: true,
        });
        expect(await sessions.get(session)).toEqual(offline);
      });

      test('is possible only for the connection that holds the session', async () => {
        const { sessions } = world.process();
        const session = await opened();
        expect(await sessions.markOffline(session, newAddress(), offlineIn(1))).toBeUndefined();
        expect(await sessions.get(session)).toEqual(session);
        const key = newKey();
        expect(await sessions.markOffline(key, newAddress(), offlineIn(1))).toBeUndefined();
        expect(await rowOf(key)).toBeUndefined();
      });

      test('repeated after a crash or a lost answer, returns the session as it was left', async () => {
        const fault = loseFirstAnswer('UpdateItem');
        const { sessions } = world.process(fault);
        const session = await opened();
        const address = session.address ?? newAddress();
        const left = await sessions.markOffline(session, address, offlineIn(600));
        expect(fault.lost()).toBe(true);
        expect(left).toMatchObject({
          session: { generation: session.generation, ...offlineIn(600) },
          first: true,
        });
        const before = await rowOf(session);
        await world.clock.advance(1_000);
        expect(await sessions.markOffline(session, address, offlineIn(60))).toEqual({
          ...left,
          first: false,
        });
        expect(await rowOf(session)).toEqual(before);
      });

      test('for an earlier connection does not change a session that was resumed or left since', async () => {
        const { sessions } = world.process();
        const first = await opened();
        const left = await sessions.markOffline(first, first.address ?? newAddress(), offlineIn(600));
        const second = { ...first, address: newAddress(), claimVersion: 2 };
        expect(await sessions.replace(second, left?.session)).toBe(true);
        const old = first.address ?? newAddress();
        expect(await sessions.markOffline(first, old, offlineIn(0))).toBeUndefined();
        expect(await sessions.get(first)).toEqual(second);
        const leftAgain = await sessions.markOffline(first, second.address, offlineIn(60));
        expect(await sessions.markOffline(first, old, offlineIn(0))).toBeUndefined();
        expect(await sessions.get(first)).toEqual(leftAgain?.session);
      });

      test('of a session and its takeover race: one of them wins', async () => {
        const session = await opened();
        const next = { ...session, address: newAddress(), claimVersion: 2 };
        const one = world.process();
        const [replaced, offline] = await Promise.all([
          one.sessions.replace(next, session),
          one.sessions.markOffline(session, session.address ?? newAddress(), offlineIn(60)),
        ]);
        expect(replaced).toBe(offline === undefined);
        expect((await one.sessions.get(session))?.address).toBe(replaced ? next.address : undefined);
      });

      test('by two handlers at once: exactly one is the first', async () => {
        const { sessions } = world.process(meetAt('UpdateItem', 2));
        const session = await opened();
        const address = session.address ?? newAddress();
        const left = await Promise.all([
          sessions.markOffline(session, address, offlineIn(60)),
          sessions.markOffline(session, address, offlineIn(60)),
        ]);
        expect(left.map((one) => one?.first).toSorted()).toEqual([false, true]);
      });

      test('may be followed by the mark that its rows are deleted, unless a connection holds it', async () => {
        const { sessions } = world.process();
        const session = await opened();
        await sessions.markSwept(session, session.generation);
        expect((await sessions.get(session))?.swept).toBeUndefined();
        await sessions.markOffline(session, session.address ?? newAddress(), offlineIn(0));
        await sessions.markSwept(session, 'another');
        expect((await sessions.get(session))?.swept).toBeUndefined();
        await sessions.markSwept(session, session.generation);
        expect((await sessions.get(session))?.swept).toBe(true);
        const key = newKey();
        await sessions.markSwept(key, 'g');
        expect(await rowOf(key)).toBeUndefined();
      });
    });

    describe('routes', () => {
      const openedIn = async (tenant = world.tenant(), count = 1) => {
        const opened: Session[] = [];
        for (let index = 0; index < count; index += 1) {
          const session = sessionOf(keyOf(tenant, `c${index}`), { clientMaxPacketBytes: 100 + index });
          await world.process().sessions.replace(session, undefined);
          opened.push(session);
        }
        return opened;
      };
      const one = async () => {
        const [session = sessionOf(newKey())] = await openedIn();
        return session;
      };

      test('are those of online sessions', async () => {
        const { sessions } = world.process();
        const session = await one();
        const offline = sessionOf(keyOf(session.tenant, 'offline'));
        await sessions.replace(offline, undefined);
        await sessions.markOffline(offline, offline.address ?? newAddress(), offlineIn(60));
        const routes = await sessions.routes(session.tenant, ['c0', 'offline', 'unknown']);
        expect([...routes]).toEqual([
          [
            'c0',
            {
              address: session.address,
              protocolVersion: 5,
              generation: session.generation,
              clientTopicAliasMaximum: 0,
              clientMaxPacketBytes: 100,
            },
          ],
        ]);
      });

      test('of more clients than one batch holds are read in several, concurrently', async () => {
        const tenant = world.tenant();
        const opened = await openedIn(tenant, 230);
        const calls = recorder();
        const { sessions } = world.process(calls);
        const routes = await sessions.routes(
          tenant,
          opened.map((session) => session.clientId),
        );
        expect(routes.size).toBe(230);
        expect(calls.operations).toEqual(['BatchGetItem', 'BatchGetItem', 'BatchGetItem']);
      });

      test('are cached for 5 seconds; others are read', async () => {
        const tenant = world.tenant();
        await openedIn(tenant, 2);
        const calls = recorder();
        const { sessions } = world.process(calls);
        await sessions.routes(tenant, ['c0']);
        await world.clock.advance(4_999);
        await sessions.routes(tenant, ['c0']);
        expect(calls.operations).toHaveLength(1);
        await sessions.routes(tenant, ['c0', 'c1']);
        const [, second] = calls.calls;
        const requests = second?.input.RequestItems as Record<string, { Keys: unknown[] }>;
        expect(requests[world.names.sessions]?.Keys).toHaveLength(1);
        await world.clock.advance(1);
        await sessions.routes(tenant, ['c0']);
        expect(calls.operations).toHaveLength(3);
      });

      test('of offline clients are not cached: they may return at any moment', async () => {
        const tenant = world.tenant();
        const { sessions } = world.process();
        expect((await sessions.routes(tenant, ['c0'])).size).toBe(0);
        await openedIn(tenant);
        expect((await sessions.routes(tenant, ['c0'])).size).toBe(1);
      });

      test('are dropped from the cache when the connection turns out to be gone', async () => {
        const session = await one();
        const { sessions } = world.process();
        await sessions.routes(session.tenant, ['c0']);
        const moved = { ...session, address: newAddress(), claimVersion: 2 };
        await world.process().sessions.replace(moved, session);
        const address = async () => (await sessions.routes(session.tenant, ['c0'])).get('c0')?.address;
        expect(await address()).toBe(session.address);
        sessions.forgetRoute(session);
        expect(await address()).toBe(moved.address);
      });

      test('are dropped from the cache of the process that changes the session', async () => {
        const session = await one();
        const { sessions } = world.process();
        const online = async () => (await sessions.routes(session.tenant, ['c0'])).get('c0')?.address;
        expect(await online()).toBe(session.address);
        const moved = { ...session, address: newAddress(), claimVersion: 2 };
        await sessions.replace(moved, session);
        expect(await online()).toBe(moved.address);
        await sessions.markOffline(session, moved.address, offlineIn(0));
        expect(await online()).toBeUndefined();
      });
    });

    test.each(oddNames)('keeps clients and filters apart: %s', async (_, odd) => {
      const { sessions, sessionSubscriptions } = world.process();
      const tenant = world.tenant();
      const session = sessionOf(keyOf(tenant, odd));
      const other = keyOf(tenant, `${odd}x`);
      await sessions.replace(session, undefined);
      await sessionSubscriptions.put(session, odd, 'g');
      expect(await sessions.get(session)).toEqual(session);
      expect((await sessions.routes(tenant, [odd])).get(odd)?.address).toBe(session.address);
      expect(await sessionSubscriptions.list(session)).toEqual([{ filter: odd, generation: 'g' }]);
      expect(await sessions.get(other)).toBeUndefined();
      expect(await sessionSubscriptions.list(other)).toEqual([]);
    });

    test('the longest client id', async () => {
      const session = await opened({}, newKey('ö'.repeat(128)));
      expect(await world.process().sessions.get(session)).toEqual(session);
    });

    test('one tenant never sees another', async () => {
      const { sessions, sessionSubscriptions, wills, receivedMarks } = world.process();
      const session = await opened();
      const other = newKey();
      const { generation, address = newAddress() } = session;
      const will: Will = { message: messageOf(), delaySeconds: 0 };
      await sessionSubscriptions.put(session, 'f', generation);
      await wills.put(session, address, generation, will);
      await receivedMarks.put(session, generation, 1, 'm');

      expect(await sessions.get(other)).toBeUndefined();
      expect((await sessions.routes(other.tenant, [session.clientId])).size).toBe(0);
      expect(await sessions.allocate(other, generation, 1)).toBeUndefined();
      expect(await sessions.claim({ ...session, tenant: other.tenant }, claimOf('x'))).toBeUndefined();
      expect(await sessions.markOffline(other, address, offlineIn(0))).toBeUndefined();
      await sessions.markSwept(other, generation);
      expect(await sessionSubscriptions.list(other)).toEqual([]);
      await sessionSubscriptions.delete(other, 'f', generation);
      expect(await wills.get(other, address)).toBeUndefined();
      expect(await wills.list(other)).toEqual([]);
      expect(await wills.take(other, address)).toBe(false);
      expect(await receivedMarks.delete(other, generation, 1)).toBe(false);
      expect(await receivedMarks.count(other, 10)).toBe(0);
      expect(await receivedMarks.put(other, generation, 1, 'n')).toMatchObject({ first: true });

      expect(await sessions.get(session)).toEqual(session);
      expect(await world.items('sessions', partitionOf(session))).toHaveLength(4);
    });

    test('items carry their format version, and a time to live where they outlive their use', async () => {
      const { sessions, sessionSubscriptions, wills, receivedMarks } = world.process();
      const session = await opened();
      const { generation, address = newAddress() } = session;
      await sessions.allocate(session, generation, 1);
      await sessions.claim(session, claimOf('me'));
      await sessionSubscriptions.put(session, 'f', generation);
      await wills.put(session, address, generation, { message: messageOf(), delaySeconds: 0 });
      await receivedMarks.put(session, generation, 1, 'm');
      const ttlOf = async (kind: string) => ttlFromNow(await rowOf(session, kind), world.clock);
      for (const row of await world.items('sessions', partitionOf(session)))
        expect(row.v).toEqual({ N: '1' });
      expect(await ttlOf('session')).toBeUndefined();
      const markDays = ((await ttlOf('r#00001')) ?? 0) / 86_400;
      expect(markDays).toBeGreaterThanOrEqual(1);
      expect(markDays).toBeLessThanOrEqual(30);

      const offline = await sessions.markOffline(session, address, offlineIn(3_600));
      // After the expiry, so that timers still find the row, but at most some days.
      expect(await ttlOf('session')).toBeGreaterThan(3_600);
      expect(await ttlOf('session')).toBeLessThanOrEqual(3_600 + 7 * 86_400);
      const back = { ...session, address: newAddress(), claimVersion: 3, sequence: 1 };
      expect(await sessions.replace(back, offline?.session)).toBe(true);
      expect(await ttlOf('session')).toBeUndefined();
      await sessions.markOffline(session, back.address, offlineIn(never));
      expect(await ttlOf('session')).toBeUndefined();
    });

    test.each([
      ['session', 'without a generation', { generation: { N: '1' } }],
      ['session', 'without a version', { v: { S: '1' } }],
      ['session', 'of a newer release', { v: { N: '2' } }],
      ['will#a', 'without an address', { address: { N: '1' } }],
      ['will#a', 'of a newer release', { v: { N: '2' } }],
      ['sub#f', 'without a generation', { generation: { N: '1' } }],
      ['sub#f', 'of a newer release', { v: { N: '2' } }],
    ] as const)('an item %s %s is refused', async (kind, _, change) => {
      const { sessions, sessionSubscriptions, wills } = world.process();
      const session = await opened();
      await sessionSubscriptions.put(session, 'f', 'g');
      await wills.put(session, 'a' as ConnectionAddress, 'g', {
        message: messageOf(),
        delaySeconds: 0,
      });
      await world.putItem('sessions', { ...(await rowOf(session, kind)), ...change });
      const reads = {
        session: () => sessions.get(session),
        'will#a': () => wills.get(session, 'a' as ConnectionAddress),
        'sub#f': () => sessionSubscriptions.list(session),
      };
      await expect(reads[kind]()).rejects.toThrow(ItemFormatError);
    });
  });
}
