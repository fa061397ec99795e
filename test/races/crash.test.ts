import { describe, expect, it } from 'vitest';
import { crashUnderSeeds, exploreRandomly, schedules } from './explore.ts';
import { crashScenarios, scenarios } from './scenarios.ts';

describe.each([1, 2] as const)('a handler stopped before each of its calls, QoS %i', (qos) => {
  for (const [name, make] of Object.entries(crashScenarios))
    it(name, async () => {
      const count = await crashUnderSeeds(() => make(qos), schedules / 75);
      expect(count).toBeGreaterThan(20);
    }, 240_000);
});

describe.each(['sequentially', 'concurrently'] as const)('every frame handled twice, %s', (twice) => {
  for (const name of ['deliver and resume', 'acknowledge and deliver, Receive Maximum 2'])
    it.each([1, 2] as const)(
      `${name}, QoS %i`,
      async (qos) => {
        const scenario = scenarios[name]?.(qos);
        if (scenario === undefined) throw new Error(name);
        await exploreRandomly({ ...scenario, faults: { twice } }, Math.ceil(schedules / 3));
      },
      240_000,
    );
});

describe('$disconnect comes late, twice or never', () => {
  it.each([0, 2])(
    '%i times',
    async (times) => {
      for (const qos of [1, 2] as const) {
        const scenario = scenarios['deliver and disconnect']?.(qos);
        if (scenario === undefined) throw new Error('no scenario');
        await exploreRandomly(
          { ...scenario, faults: { disconnects: () => times } },
          Math.ceil(schedules / 3),
        );
      }
    },
    240_000,
  );
});
