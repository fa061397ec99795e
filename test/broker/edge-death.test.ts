import { expect, test } from 'vitest';
import { lookAtEdge, sweepEdgeBlock } from '../../lib/broker/edge-death.ts';
import type { Context } from '../../lib/core/context.ts';
import { edgeAddress } from '../../lib/core/edge-address.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { EdgeLease } from '../../lib/core/store-ports/edges.ts';
import type { ScheduledTimer, Timer } from '../../lib/core/timers.ts';
import { UnreadableItemError } from '../../lib/core/unreadable-item.ts';

const sweep = { kind: 'edge-sweep', edge: 'EDGE', block: 0 } as const;
const look = { kind: 'edge-lease', edge: 'EDGE', renewedAtMs: 700, isRepeated: true } as const;

/** An edge whose lease has not been renewed, with `open` connections in its first block. */
function dyingEdge(open: number, faults: { lease?: () => void; lost?: (address: string) => number } = {}) {
  let nowMs = 1_000;
  let isBlockLeft = true;
  let lease: EdgeLease = { door: 'DOOR', renewedAtMs: 700, isDead: false };
  const scheduled: ScheduledTimer[] = [];
  const rows = new Set(Array.from({ length: open }, (_, channel) => edgeAddress('EDGE', channel)));
  const context = {
    settings: defaultSettings,
    clock: { nowMs: () => nowMs },
    log: { warn() {}, count() {} },
    edges: {
      async get() {
        faults.lease?.();
        return lease;
      },
      async declareDead() {
        lease = { ...lease, isDead: true };
        return true;
      },
      closeBlocks: async () => (isBlockLeft ? [0] : []),
      async removeBlock() {
        isBlockLeft = false;
      },
    },
    connections: {
      getMany: async (addresses: ConnectionAddress[]) =>
        addresses.filter((address) => rows.has(address)).map((address) => ({ address })),
    },
    /** `lost` says how long one end takes, in milliseconds. */
    async connectionLost(_: unknown, address: ConnectionAddress) {
      nowMs += faults.lost?.(address) ?? 0;
      rows.delete(address);
    },
    timers: {
      async schedule(timer: Timer, dueAtMs: number) {
        scheduled.push({ timer, dueAtMs });
      },
      async scheduleAll(timers: readonly ScheduledTimer[]) {
        scheduled.push(...timers);
      },
    },
  } as unknown as Context;
  return {
    context,
    scheduled,
    left: () => rows.size,
    isBlockLeft: () => isBlockLeft,
    /** Handles the timers that were scheduled, one after another. @returns their delays in ms. */
    async goOn(): Promise<number[]> {
      const delays: number[] = [];
      const first = () => scheduled.sort((one, other) => one.dueAtMs - other.dueAtMs).shift();
      for (let next = first(); next !== undefined; next = first()) {
        delays.push(next.dueAtMs - nowMs);
        nowMs = Math.max(nowMs, next.dueAtMs);
        if (next.timer.kind === 'edge-sweep') await sweepEdgeBlock(context, next.timer);
        else if (next.timer.kind === 'edge-lease') await lookAtEdge(context, next.timer);
      }
      return delays;
    },
  };
}

test('a look that fails is repeated in some seconds, as often as it takes', async () => {
  let failures = 6;
  const edge = dyingEdge(3, {
    lease() {
      failures -= 1;
      if (failures >= 0) throw new Error('throttled');
    },
  });
  await lookAtEdge(edge.context, look);
  expect(await edge.goOn()).toEqual([5_000, 5_000, 5_000, 5_000, 5_000, 5_000, 0, 15_000]);
  expect([edge.left(), edge.isBlockLeft()]).toEqual([0, false]);
});

test('a lease that cannot be read fails the timer, for the dead-letter queue', async () => {
  const edge = dyingEdge(3, {
    lease() {
      throw new UnreadableItemError('of a newer release');
    },
  });
  await expect(lookAtEdge(edge.context, look)).rejects.toThrow(UnreadableItemError);
  expect(edge.scheduled).toEqual([]);
});

test('connections whose end fails are tried again in some seconds', async () => {
  const failing = new Set(['e:EDGE:1', 'e:EDGE:2']);
  const edge = dyingEdge(4, {
    lost(address) {
      if (failing.delete(address)) throw new Error('throttled');
      return 0;
    },
  });
  await sweepEdgeBlock(edge.context, sweep);
  expect([edge.left(), edge.isBlockLeft()]).toEqual([2, true]);
  expect(await edge.goOn()).toEqual([5_000]);
  expect([edge.left(), edge.isBlockLeft()]).toEqual([0, false]);
});

test('a connection that cannot be ended fails the timer once all others have ended', async () => {
  const edge = dyingEdge(4, {
    lost(address) {
      if (address === 'e:EDGE:1') throw new Error('damaged');
      return 0;
    },
  });
  await sweepEdgeBlock(edge.context, sweep);
  await expect(edge.goOn()).rejects.toThrow('damaged');
  expect([edge.left(), edge.isBlockLeft()]).toEqual([1, true]);
});

test('a slow sweep starts no more ends in time, and another timer goes on', async () => {
  const edge = dyingEdge(100, { lost: () => 300 });
  await sweepEdgeBlock(edge.context, sweep);
  // 15 s of 300 ms each, and what the other lanes had begun.
  expect(edge.left()).toBeGreaterThanOrEqual(100 - 50 - defaultSettings.edgeSweepsAtOnce);
  expect(edge.isBlockLeft()).toBe(true);
  expect(edge.scheduled).toHaveLength(1);
  await edge.goOn();
  expect([edge.left(), edge.isBlockLeft()]).toEqual([0, false]);
});
