import { describe, expect, it } from 'vitest';
import type { LeasedSession } from '../../lib/core/context.ts';
import type { ScheduledTimer } from '../../lib/core/timers.ts';
import { createSenderWatch } from '../../lib/delivery/sender-watch.ts';

function watchOf() {
  const timers: ScheduledTimer[] = [];
  const time = { nowMs: 0, isBroken: false };
  const watch = createSenderWatch({
    clock: { nowMs: () => time.nowMs },
    timers: {
      async schedule(timer, dueAtMs) {
        if (time.isBroken) throw new Error('the queue is down');
        timers.push({ timer, dueAtMs });
      },
      scheduleAll: () => Promise.reject(new Error('not used')),
    },
  });
  const leaveTo = (clientId: string, sendingUntilMs: number) =>
    watch.watch({ tenant: 'acme', clientId, address: `of-${clientId}`, sendingUntilMs } as LeasedSession);
  return { timers, time, leaveTo };
}

describe('messages that are left to the holder of a lease', () => {
  it('set one timer of a connection at a time, however many there are', async () => {
    const { timers, time, leaveTo } = watchOf();
    for (let message = 0; message < 1_000; message += 1) {
      time.nowMs = message * 100;
      await leaveTo('a', time.nowMs + 40_000);
    }
    expect(timers).toEqual(
      [40_000, 80_000, 120_000].map((dueAtMs) => ({
        timer: { kind: 'sender', tenant: 'acme', clientId: 'a', address: 'of-a' },
        dueAtMs,
      })),
    );
  });

  it('are not acknowledged where the queue has not taken the timer', async () => {
    const { timers, time, leaveTo } = watchOf();
    time.isBroken = true;
    await expect(leaveTo('a', 40_000)).rejects.toThrow('the queue is down');
    time.isBroken = false;
    await leaveTo('a', 40_000);
    expect(timers).toHaveLength(1);
  });

  it('take memory for 10,000 connections', async () => {
    const { timers, leaveTo } = watchOf();
    for (let client = 0; client <= 10_000; client += 1) await leaveTo(`${client}`, 40_000);
    await leaveTo('10000', 40_000);
    expect(timers).toHaveLength(10_001);
    await leaveTo('0', 40_000);
    expect(timers).toHaveLength(10_002);
  });
});
