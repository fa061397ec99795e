import { expect, it } from 'vitest';
import type { Ports } from '../../lib/core/ports.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { ScheduledTimer } from '../../lib/core/timers.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

/** Chains of retained messages, which arrive when the test hands them to the broker. */
const chains: ScheduledTimer[] = [];
const suite = useSuite({
  settings: { ...defaultSettings, retainedPerRun: 20 },
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    timers: {
      ...ports.timers,
      async schedule(timer, dueAtMs) {
        if (timer.kind === 'retained') chains.push({ timer, dueAtMs });
        else await ports.timers.schedule(timer, dueAtMs);
      },
    },
  }),
});

it('a client that repeats a SUBSCRIBE has one chain of retained messages', async () => {
  const publisher = await suite.connect();
  const topics = Array.from({ length: 1_000 }, (_, index) => `again/${String(index).padStart(4, '0')}`);
  for (let from = 0; from < topics.length; from += 100)
    await publisher.send(
      ...topics.slice(from, from + 100).map((topic) => publish(topic, 'x', { retain: true })),
    );
  const client = await suite.connect();
  const subscribeAgain = async (retainHandling: 0 | 1 | 2): Promise<number> => {
    await suite.clock.advance(1);
    const { pushes } = await client.exchange(subscribe(1, { topic: 'again/#', qos: 0, rh: retainHandling }));
    return pushes.length;
  };
  /** Lets all chains go on to their end. @returns the messages that came. */
  const goOn = async (arrived: ScheduledTimer[]): Promise<number> => {
    let came = 0;
    for (let next: readonly ScheduledTimer[] = arrived; next.length > 0; next = chains.splice(0)) {
      await suite.service.service.broker.timers(next);
      came += (await client.settle()).length;
    }
    return came;
  };
  const first = await subscribeAgain(0);
  const second = await subscribeAgain(0);
  const [one, other, ...none] = chains.splice(0);
  if (one === undefined || other === undefined) return expect.fail('two chains began');
  expect(none).toEqual([]);
  expect(await goOn([one])).toBe(0);
  // A SUBSCRIBE that asks for no retained messages lets the chain go on.
  expect(await subscribeAgain(1)).toBe(0);
  expect(await subscribeAgain(2)).toBe(0);
  expect(second + (await goOn([other]))).toBe(topics.length);
  expect(first).toBeGreaterThan(0);
});
