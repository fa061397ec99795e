import { expect, it, vi } from 'vitest';
import { Channel } from '../../lib/edge/channel.ts';
import { silentLog } from '../support/silent-log.ts';

const client = {
  hold: () => true,
  write: () => {},
  pause: () => {},
  resume: () => {},
  end: () => {},
  destroy: () => {},
};

it('releases a connection until the broker has done it, and counts as open until then', async () => {
  let failures = 2;
  const asked: string[] = [];
  const ended = vi.fn();
  const channel = new Channel(0, 'e:EDGE:0' as never, client, {
    broker: {
      packets: async () => [],
      async disconnected(address) {
        asked.push(address);
        failures -= 1;
        if (failures >= 0) throw new Error('throttled');
      },
    },
    log: silentLog,
    nowMs: Date.now,
    mayServe: () => true,
    admitted: Promise.resolve(true),
    busy: () => undefined,
    left: () => {},
    ended,
  });
  vi.useFakeTimers();
  try {
    channel.clientClosed();
    await vi.advanceTimersByTimeAsync(400);
    expect(asked).toHaveLength(1);
    expect(ended).not.toHaveBeenCalled();
    expect(channel.push('wAA=')).toBe(false);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(asked).toHaveLength(3);
    await channel.closed;
    expect(ended).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});
