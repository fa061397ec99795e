import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Identity } from '../../../lib/auth/index.ts';
import type { Connection, UnfinishedPacket } from '../../../lib/core/model.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { loseFirstAnswer, meetAt, oddNames, recorder, ttlFromNow, type World } from '../world.ts';
import { connectionOf, everyByte, keyOf, newAddress } from './samples.ts';
import { createTenant } from './tenants.ts';

/** Table Connections: connections, pending identities, chunks of larger packets. */
export function connectionsContract(name: string, open: () => Promise<World>): void {
  describe(`connections: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    /** A connection that another process has created, and a process that has not read anything. */
    const connectedElsewhere = async () => {
      const connection = connectionOf(keyOf(await createTenant(world)));
      await world.process().connections.create(connection);
      const calls = recorder();
      return { connection, calls, ...world.process(calls) };
    };
    const rowOf = async (address: string) => (await world.items('connections', address))[0];
    const full = (changes: Partial<Connection> = {}): Connection =>
      connectionOf(keyOf(world.tenant(), 'dev/ö 😀'), {
        protocolVersion: 4,
        keepAliveSeconds: 0,
        permissions: [
          { effect: 'deny', action: 'publish', filter: 'x/#', qos: [2], retain: true, exact: true },
          { effect: 'allow', action: 'all', filter: '#' },
        ],
        tokenExpiresAtSeconds: 1_767_229_200,
        subject: 'subject',
        username: 'user',
        clientMaxPacketBytes: 1_024,
        clientTopicAliasMaximum: 10,
        requestProblemInformation: false,
        isBridge: true,
        sessionExpirySeconds: 0xffff_ffff,
        topicAliases: { 1: 'a/b', 32: 'ü' },
        authenticationMethod: 'wisp-jwt',
        ...changes,
      });

    test('reads back what was created, with and without its optional parts', async () => {
      const { connections } = world.process();
      for (const connection of [full(), connectionOf(keyOf(world.tenant()))]) {
        expect(await connections.create(connection)).toBe(true);
        expect(await connections.get(connection.address)).toEqual(connection);
      }
    });

    test('an address is created once: a second CONNECT changes nothing', async () => {
      const { connections } = world.process();
      const connection = full();
      await connections.create(connection);
      expect(await connections.create({ ...connection, clientId: 'other' })).toBe(false);
      expect(await connections.create(connection)).toBe(false);
      expect(await connections.get(connection.address)).toEqual(connection);
    });

    test('of two that create the same address exactly one wins', async () => {
      const { connections } = world.process(meetAt('PutItem', 2));
      const connection = full();
      const won = await Promise.all([
        connections.create({ ...connection, clientId: 'one' }),
        connections.create({ ...connection, clientId: 'two' }),
      ]);
      expect(won.toSorted()).toEqual([false, true]);
      expect((await connections.get(connection.address))?.clientId).toBe(won[0] ? 'one' : 'two');
    });

    test('creating succeeds although the first answer is lost', async () => {
      const fault = loseFirstAnswer('PutItem');
      const { connections } = world.process(fault);
      const connection = full();
      expect(await connections.create(connection)).toBe(true);
      expect(fault.lost()).toBe(true);
      expect(await connections.get(connection.address)).toEqual(connection);
    });

    test('an identity waits for CONNECT, which replaces it', async () => {
      const { connections, pendingIdentities } = world.process();
      const connection = full();
      const identity: Identity = {
        tenant: connection.tenant,
        subject: 's',
        expiresAtSeconds: 1_767_229_200,
        grants: [{ effect: 'allow', action: 'all', filter: `${'$'}{clientId}/#` }],
      };
      await pendingIdentities.put(connection.address, identity);
      expect(await connections.get(connection.address)).toBeUndefined();
      expect(await connections.readState(connection.address, false)).toEqual({ pending: identity });
      expect(await connections.create(connection)).toBe(true);
      expect(await connections.get(connection.address)).toEqual(connection);
      expect((await rowOf(connection.address))?.pending).toBeUndefined();
    });

    test('state of an unknown address is empty, after a consistent look', async () => {
      const calls = recorder();
      const { connections } = world.process(calls);
      expect(await connections.readState(newAddress(), false)).toEqual({});
      expect(calls.calls.map(({ operation, input }) => [operation, input.ConsistentRead])).toEqual([
        ['GetItem', false],
        ['GetItem', true],
      ]);
    });

    test('one consistent look is enough where CONNECT has come', async () => {
      const calls = recorder();
      const { connections } = world.process(calls);
      expect(await connections.readState(newAddress(), false, 'latest')).toEqual({});
      expect(calls.calls.map(({ operation, input }) => [operation, input.ConsistentRead])).toEqual([
        ['GetItem', true],
      ]);
      const connection = full();
      await world.process().connections.create(connection);
      expect(await connections.readState(connection.address, false, 'latest')).toEqual({ connection });
    });

    test('state of a tenant seen before takes one batch, of a new one two reads', async () => {
      const { connection, calls, connections } = await connectedElsewhere();
      const first = await connections.readState(connection.address, false);
      expect(first.connection).toEqual(connection);
      expect(first.live).toMatchObject({ status: 'active', shapes: new Set() });
      expect(calls.operations).toEqual(['GetItem', 'GetItem']);
      expect(await connections.readState(connection.address, false)).toEqual(first);
      expect(calls.operations).toEqual(['GetItem', 'GetItem', 'BatchGetItem']);
    });

    test('the process that created a connection knows its tenant', async () => {
      const tenant = await createTenant(world);
      const calls = recorder();
      const { connections } = world.process(calls);
      const connection = connectionOf(keyOf(tenant));
      await connections.create(connection);
      expect(await connections.readState(connection.address, false)).toMatchObject({ connection });
      expect(calls.operations).toEqual(['PutItem', 'BatchGetItem']);
    });

    test('the row of the tenant is read consistently where that is asked for', async () => {
      const { connection, calls, connections } = await connectedElsewhere();
      await connections.readState(connection.address, true);
      await connections.readState(connection.address, true);
      const [row, live, batch] = calls.calls;
      expect(row?.input).toMatchObject({ TableName: world.names.connections, ConsistentRead: false });
      expect(live?.input).toMatchObject({ TableName: world.names.tenants, ConsistentRead: true });
      const requests = batch?.input.RequestItems as Record<string, { ConsistentRead?: boolean }>;
      expect(requests[world.names.tenants]?.ConsistentRead).toBe(true);
      expect(requests[world.names.connections]?.ConsistentRead ?? false).toBe(false);
    });

    test('the row of an active tenant is not read again where an older one will do', async () => {
      const { connection, calls, connections } = await connectedElsewhere();
      const first = await connections.readState(connection.address, false);
      calls.calls.splice(0);
      expect(await connections.readState(connection.address, false, 'any', 30_000)).toEqual(first);
      expect(calls.calls.map(({ operation, input }) => [operation, input.TableName])).toEqual([
        ['GetItem', world.names.connections],
      ]);
      await connections.readState(connection.address, false);
      expect(calls.calls.map(({ operation }) => operation)).toEqual(['GetItem', 'BatchGetItem']);
    });

    test('a connection whose tenant is gone has no tenant row, read anew or in a batch', async () => {
      const { connections } = world.process();
      const connection = full();
      await connections.create(connection);
      expect(await connections.readState(connection.address, false)).toEqual({ connection });
      expect(await world.process().connections.readState(connection.address, false)).toEqual({ connection });
    });

    test('a process that knows the tenant of a deleted connection finds nothing', async () => {
      const { connections } = world.process();
      const connection = full();
      await connections.create(connection);
      await world.process().connections.delete(connection.address);
      expect(await connections.readState(connection.address, false)).toEqual({});
    });

    test('topic aliases are added and replaced, others stay', async () => {
      const { connections } = world.process();
      const connection = full({ topicAliases: { 1: 'one', 2: 'two' } });
      await connections.create(connection);
      await connections.addTopicAliases(connection.address, { 2: 'zwei', 7: '😀'.repeat(250) });
      expect((await connections.get(connection.address))?.topicAliases).toEqual({
        1: 'one',
        2: 'zwei',
        7: '😀'.repeat(250),
      });
    });

    test('topic aliases are removed, and those with a row of their own are read by number', async () => {
      const { connections, topicAliases } = world.process();
      const connection = full({ topicAliases: { 1: 'one', 2: 'two' } });
      const { address } = connection;
      await connections.create(connection);
      await connections.addTopicAliases(address, { 3: 'three' }, [1]);
      await connections.addTopicAliases(address, {}, [2]);
      expect((await connections.get(address))?.topicAliases).toEqual({ 3: 'three' });
      await topicAliases.put(address, { 1: 'eins', 32: 'ü' });
      await topicAliases.put(address, { 1: 'uno' });
      expect(await topicAliases.read(address, [1, 2, 32])).toEqual({ 1: 'uno', 32: 'ü' });
    });

    test('renewing replaces permissions and expiry, and an expiry may go', async () => {
      const { connections } = world.process();
      const connection = full();
      await connections.create(connection);
      const permissions = [{ effect: 'allow', action: 'publish', filter: 'new' }] as const;
      const { subject } = connection;
      const token = { permissions, ...(subject === undefined ? {} : { subject }) };
      await connections.renew(connection.address, { ...token, tokenExpiresAtSeconds: 1_900_000_000 });
      const renewed = { ...connection, permissions, tokenExpiresAtSeconds: 1_900_000_000 };
      expect(await connections.get(connection.address)).toEqual(renewed);
      await connections.renew(connection.address, { ...token, permissions: [] });
      const { tokenExpiresAtSeconds: _, ...endless } = renewed;
      expect(await connections.get(connection.address)).toEqual({ ...endless, permissions: [] });
    });

    test('renewing replaces what names the token, and what a check of it has seen is noted', async () => {
      const { connections } = world.process();
      const { subject: _, ...named } = full();
      const connection = { ...named, tokenId: 'one', tokenIssuedAtSeconds: 1, revocationsSeenMs: 2 };
      await connections.create({ ...connection, subject: 's' });
      expect(await connections.get(connection.address)).toEqual({ ...connection, subject: 's' });
      const { permissions } = connection;
      await connections.renew(connection.address, { permissions, tokenId: 'two', revocationsSeenMs: 3 });
      const { tokenExpiresAtSeconds: _1, tokenIssuedAtSeconds: _2, ...rest } = connection;
      const renewed = { ...rest, tokenId: 'two', revocationsSeenMs: 3 };
      expect(await connections.get(connection.address)).toEqual(renewed);
      await connections.setRevocationsSeen(connection.address, 4);
      expect(await connections.get(connection.address)).toEqual({ ...renewed, revocationsSeenMs: 4 });
      const gone = newAddress();
      await connections.setRevocationsSeen(gone, 5);
      expect(await rowOf(gone)).toBeUndefined();
    });

    test('what a client uses of its rates is noted once for what was read; token quotas are replaced', async () => {
      const { connections } = world.process();
      const connection = { ...full(), quotas: { queueSeconds: 5 } };
      const { address, permissions } = connection;
      await connections.create(connection);
      const [one, two] = [
        { messagesUntilMs: 1, bytesUntilMs: 2 },
        { messagesUntilMs: 3, bytesUntilMs: 2 },
      ];
      expect(await connections.setRateUse(address, one, undefined)).toBe(true);
      expect(await connections.setRateUse(address, two, undefined)).toBe(false);
      expect(await connections.get(address)).toEqual({ ...connection, rateUse: one });
      expect(await connections.setRateUse(address, two, one)).toBe(true);
      expect(await connections.setRateUse(address, two, one)).toBe(false);
      await connections.renew(address, { permissions });
      expect(await connections.get(address)).toMatchObject({ rateUse: two });
      expect((await connections.get(address))?.quotas).toBeUndefined();
      const gone = newAddress();
      expect(await connections.setRateUse(gone, one, undefined)).toBe(false);
      expect(await rowOf(gone)).toBeUndefined();
    });

    test('reads many at once, without those that have no CONNECT', async () => {
      const { connections, pendingIdentities } = world.process();
      const [one, two] = [full(), full()];
      const pending = newAddress();
      await connections.create(one);
      await connections.create(two);
      await pendingIdentities.put(pending, { tenant: one.tenant, grants: [] });
      const read = await connections.getMany([one.address, pending, newAddress(), two.address]);
      expect(new Set(read.map(({ address }) => address))).toEqual(new Set([one.address, two.address]));
      expect(await connections.getMany([])).toEqual([]);
    });

    test('changes to a connection that is gone bring nothing back', async () => {
      const { connections } = world.process();
      const address = newAddress();
      await connections.addTopicAliases(address, { 1: 'a' });
      await connections.renew(address, { permissions: [] });
      await connections.delete(address);
      expect(await rowOf(address)).toBeUndefined();
    });

    test('deleting twice does no harm', async () => {
      const { connections } = world.process();
      const connection = full();
      await connections.create(connection);
      await connections.delete(connection.address);
      await connections.delete(connection.address);
      expect(await connections.get(connection.address)).toBeUndefined();
    });

    const packetIn = (slot: number, key = 'key'): UnfinishedPacket => ({
      slot,
      id: 'p',
      key,
      bytes: 140_000,
    });

    test('chunks come back in order, however they were stored', async () => {
      const { chunks } = world.process();
      const address = newAddress();
      const parts = Array.from({ length: 6 }, (_, index) => new Uint8Array(24_000).fill(index + 250));
      for (const index of [5, 0, 3, 1, 4, 2])
        await chunks.put(address, packetIn(0), index, parts[index] ?? everyByte);
      await chunks.put(address, packetIn(0), 3, parts[3] ?? everyByte);
      const read = await chunks.read(address, packetIn(0), 6);
      expect(read?.map((chunk) => Uint8Array.from(chunk))).toEqual(parts);
    });

    test('chunks of other packets and connections are others; a missing one is told', async () => {
      const { chunks } = world.process();
      const [one, other] = [newAddress(), newAddress()];
      await chunks.put(one, packetIn(1), 0, everyByte);
      await chunks.put(one, packetIn(1), 1, everyByte);
      await chunks.put(one, packetIn(2), 0, Uint8Array.of(2));
      await chunks.put(other, packetIn(1), 0, Uint8Array.of(3));
      expect(await chunks.read(one, packetIn(1), 3)).toBeUndefined();
      expect(await chunks.read(one, packetIn(3), 1)).toBeUndefined();
      expect(await chunks.read(one, packetIn(1, 'later'), 1)).toBeUndefined();
      const first = async (address: typeof one, slot: number) =>
        (await chunks.read(address, packetIn(slot), 1))?.map((chunk) => Uint8Array.from(chunk));
      expect(await first(one, 1)).toEqual([everyByte]);
      expect(await first(one, 2)).toEqual([Uint8Array.of(2)]);
    });

    test('a slot holds one packet, which is finished once', async () => {
      const { connections, chunks } = world.process();
      const connection = full();
      const { address } = connection;
      expect(await chunks.begin(address, packetIn(15))).toBe(false);
      await connections.create(connection);
      expect(await chunks.begin(address, packetIn(15))).toBe(true);
      expect(await chunks.begin(address, packetIn(15, 'other'))).toBe(false);
      expect(await chunks.begin(address, packetIn(0))).toBe(true);
      const unfinishedPackets = [packetIn(0), packetIn(15)];
      expect(await connections.get(address)).toEqual({ ...connection, unfinishedPackets });
      expect(await chunks.finish(address, packetIn(15, 'other'))).toBe(false);
      const both = await Promise.all([
        chunks.finish(address, packetIn(15)),
        chunks.finish(address, packetIn(15)),
      ]);
      expect(both.filter(Boolean)).toHaveLength(1);
      expect(await chunks.finish(address, packetIn(0))).toBe(true);
      expect(await connections.get(address)).toEqual(connection);
    });

    test('a chunk is no connection', async () => {
      const { connections, chunks } = world.process();
      const address = newAddress();
      await chunks.put(address, packetIn(1), 0, everyByte);
      expect(await connections.get(address)).toBeUndefined();
      expect(await connections.readState(address, false)).toEqual({});
    });

    test('every item carries its format version and a time to live of hours', async () => {
      const { connections, pendingIdentities, chunks, topicAliases } = world.process();
      const connection = full();
      const pending = newAddress();
      await connections.create(connection);
      await pendingIdentities.put(pending, { tenant: connection.tenant, grants: [] });
      await chunks.put(pending, packetIn(1), 0, everyByte);
      await connections.addTopicAliases(connection.address, { 1: 'a' });
      await topicAliases.put(pending, { 7: 'a' });
      await connections.renew(connection.address, { permissions: [] });
      for (const address of [connection.address, pending, `${pending}~1~0`, `${pending}~alias~7`]) {
        const row = await rowOf(address);
        expect(row?.v).toEqual({ N: '1' });
        const seconds = ttlFromNow(row, world.clock);
        // API Gateway closes a connection after 2 hours; chunks are assembled within seconds.
        expect(seconds).toBeGreaterThan(address.includes('~') ? 60 : 2 * 3600);
        expect(seconds).toBeLessThanOrEqual(24 * 3600);
      }
    });

    test.each([
      ['without a tenant', { tenant: undefined }],
      ['with a tenant that cannot be', { tenant: { S: 'Not A Tenant' } }],
      ['with a number in place of a text', { id: { N: '1' } }],
      ['with permissions that are no JSON', { permissions: { S: '{' } }],
      ['of a newer release', { v: { N: '2' } }],
      ['without a version', { v: undefined }],
    ] as const)('a row %s is refused', async (_, change) => {
      const connection = full();
      await world.process().connections.create(connection);
      const row = { ...(await rowOf(connection.address)), ...change };
      const kept = Object.entries(row).filter((pair) => pair[1] !== undefined);
      await world.putItem('connections', Object.fromEntries(kept) as Parameters<World['putItem']>[1]);
      const { connections } = world.process();
      await expect(connections.get(connection.address)).rejects.toThrow(ItemFormatError);
      await expect(connections.readState(connection.address, false)).rejects.toThrow(ItemFormatError);
    });

    test.each(oddNames)('keeps client ids as they are: %s', async (_, clientId) => {
      const { connections } = world.process();
      const connection = connectionOf(keyOf(world.tenant(), clientId), { username: clientId });
      await connections.create(connection);
      expect(await connections.get(connection.address)).toEqual(connection);
    });
  });
}
