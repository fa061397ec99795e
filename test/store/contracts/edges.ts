import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { edgeAddress } from '../../../lib/core/edge-address.ts';
import { loseFirstAnswer, meetAt, ttlFromNow, type World } from '../world.ts';
import { connectionOf, keyOf } from './samples.ts';

let edges = 0;

/** Table Connections: leases of edges, their blocks, their back doors. */
export function edgesContract(name: string, open: () => Promise<World>): void {
  describe(`edges: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());
    const newEdge = () => {
      edges += 1;
      return `EDGE${edges}`;
    };
    const rowOf = async (key: string) => (await world.items('connections', key))[0];

    test('a lease is renewed, and moves to another back door', async () => {
      const { edges: store } = world.process();
      const edge = newEdge();
      expect(await store.get(edge)).toBeUndefined();
      expect(await store.renew(edge, 'a=', 1_000)).toBe(false);
      await store.begin(edge, 'a=', 1_000);
      expect(await store.get(edge, true)).toEqual({ door: 'a=', renewedAtMs: 1_000, isDead: false });
      expect(await store.renew(edge, 'b=', 4_000)).toBe(true);
      expect(await store.get(edge)).toEqual({ door: 'b=', renewedAtMs: 4_000, isDead: false });
      expect(ttlFromNow(await rowOf(`e:${edge}`), world.clock)).toBeUndefined();
    });

    test('an edge is dead only while nobody has renewed the lease, and stays dead', async () => {
      const { edges: store } = world.process();
      const edge = newEdge();
      expect(await store.declareDead(edge, 1_000)).toBe(false);
      await store.begin(edge, 'a=', 1_000);
      await store.renew(edge, 'a=', 4_000);
      expect(await store.declareDead(edge, 1_000)).toBe(false);
      expect(await store.declareDead(edge, 4_000)).toBe(true);
      expect(await store.renew(edge, 'a=', 7_000)).toBe(false);
      expect(await store.declareDead(edge, 4_000)).toBe(true);
      expect(await store.declareDead(edge, 1)).toBe(true);
      expect(await store.get(edge)).toEqual({ door: 'a=', renewedAtMs: 4_000, isDead: true });
      expect(ttlFromNow(await rowOf(`e:${edge}`), world.clock)).toBe(86_400);
    });

    test('of a renewal and a declaration that race, one succeeds', async () => {
      const { edges: store } = world.process(meetAt('UpdateItem', 2));
      const edge = newEdge();
      await store.begin(edge, 'a=', 1_000);
      const results = await Promise.all([store.renew(edge, 'a=', 4_000), store.declareDead(edge, 1_000)]);
      expect(results.toSorted()).toEqual([false, true]);
    });

    test('calls whose answer is lost succeed at the second attempt', async () => {
      const edge = newEdge();
      await world.process(loseFirstAnswer('PutItem')).edges.begin(edge, 'a=', 1_000);
      expect(await world.process(loseFirstAnswer('UpdateItem')).edges.renew(edge, 'a=', 2_000)).toBe(true);
      expect(await world.process(loseFirstAnswer('UpdateItem')).edges.addBlock(edge, 3)).toBe(true);
      expect(await world.process(loseFirstAnswer('UpdateItem')).edges.declareDead(edge, 2_000)).toBe(true);
      expect(await world.process(loseFirstAnswer('UpdateItem')).edges.closeBlocks(edge)).toEqual([3]);
    });

    test('blocks come and go until they are closed', async () => {
      const { edges: store } = world.process();
      const edge = newEdge();
      await store.removeBlock(edge, 7);
      expect(await rowOf(`e:${edge}~blocks`)).toBeUndefined();
      for (const block of [0, 1, 2, 1]) expect(await store.addBlock(edge, block)).toBe(true);
      await store.removeBlock(edge, 1);
      expect(ttlFromNow(await rowOf(`e:${edge}~blocks`), world.clock)).toBeUndefined();
      expect((await store.closeBlocks(edge)).toSorted()).toEqual([0, 2]);
      expect(await store.addBlock(edge, 3)).toBe(false);
      await store.removeBlock(edge, 0);
      expect(await store.closeBlocks(edge)).toEqual([2]);
      await store.removeBlock(edge, 2);
      expect(await store.closeBlocks(edge)).toEqual([]);
      expect(ttlFromNow(await rowOf(`e:${edge}~blocks`), world.clock)).toBe(86_400);
    });

    test('an edge without blocks is closed too', async () => {
      const { edges: store } = world.process();
      const edge = newEdge();
      expect(await store.closeBlocks(edge)).toEqual([]);
      expect(await store.addBlock(edge, 0)).toBe(false);
    });

    test('a back door tells its edge', async () => {
      const { edges: store } = world.process();
      expect(await store.edgeOfDoor('L0SM9c=')).toBeUndefined();
      await store.registerDoor('EDGE', 'L0SM9c=');
      expect(await store.edgeOfDoor('L0SM9c=')).toBe('EDGE');
      expect(ttlFromNow(await rowOf('door:L0SM9c='), world.clock)).toBe(86_400);
    });

    test('the row of a connection at an edge does not expire', async () => {
      const { connections } = world.process();
      const address = edgeAddress(newEdge(), 5);
      const connection = connectionOf(keyOf(world.tenant()), { address });
      await connections.create(connection);
      expect(ttlFromNow(await rowOf(address), world.clock)).toBeUndefined();
      expect(await connections.getMany([address, edgeAddress('other', 5)], true)).toEqual([connection]);
    });
  });
}
