import { describe, expect, it } from 'vitest';
import { exploreAll, exploreRandomly, type Scenario, schedules } from './explore.ts';
import { scenarios } from './scenarios.ts';

describe.each([1, 2] as const)('races at QoS %i', (qos) => {
  for (const [name, make] of Object.entries(scenarios))
    it(`${name}: random schedules`, async () => {
      await exploreRandomly(make(qos));
    }, 240_000);
});

describe.each([1, 2] as const)('all schedules with one preemption at QoS %i', (qos) => {
  for (const name of ['deliver and resume', 'takeover and publish'])
    it(name, async () => {
      const { count, complete } = await exploreAll(scenarios[name]?.(qos) as Scenario, 1, schedules);
      expect(complete || count === schedules).toBe(true);
    }, 240_000);
});
