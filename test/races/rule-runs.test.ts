import { describe, expect, it } from 'vitest';
import type { DeliveryOutcome } from '../../lib/rules/target.ts';
import { schedules } from './explore.ts';
import { RuleWorld } from './rule-world.ts';
import { inOrder, randomly } from './scheduler.ts';

const fails: DeliveryOutcome = { kind: 'retry', code: 'rule-attempt-failed' };
const takes: DeliveryOutcome = { kind: 'delivered' };

interface Scenario {
  readonly topics: readonly string[];
  /** Starts the race; its possible steps are explored. */
  readonly race: (world: RuleWorld) => void;
}

/** Records come while the target fails, and more while it recovers. */
const recovery: Scenario = {
  topics: ['a', 'b'],
  race(world) {
    world.answer = () => fails;
    for (let time = 0; time < 4; time += 1) world.passTime(6_000);
    world.events.push({
      actor: 'target',
      label: 'recovers',
      run: () => {
        world.answer = () => takes;
      },
    });
  },
};

/** A target that answers at random. */
const flaky: Scenario = {
  topics: ['a', 'b'],
  race(world) {
    world.answer = () => (world.random() < 0.5 ? fails : takes);
    for (let time = 0; time < 6; time += 1) world.passTime(6_000);
  },
};

/** An operator pauses the rule and resumes it. */
const pausing: Scenario = {
  topics: ['a'],
  race(world) {
    for (const status of ['paused', 'active', 'paused', 'active'] as const) {
      world.events.push({
        actor: 'operator',
        label: status,
        run: () => void world.stores.rules.setStatus(world.tenant, 'r', status),
      });
      world.passTime(6_000);
    }
  },
};

/** The target is gone for good, until somebody corrects the rule. */
const gone: Scenario = {
  topics: ['a', 'b'],
  race(world) {
    world.answer = () => ({ kind: 'gone', code: 'rule-target-gone' });
    world.passTime(6_000);
  },
};

const perTopic = 4;

async function run(scenario: Scenario, seed: number, crash?: RuleWorld['crash']): Promise<RuleWorld> {
  const world = new RuleWorld(seed);
  await world.storeRule();
  world.scheduler.chooser = randomly(seed);
  world.crash = crash;
  const expected = new Map<string, string[]>(scenario.topics.map((topic) => [topic, []]));
  for (let number = 0; number < perTopic; number += 1)
    for (const topic of scenario.topics)
      if (number < 2) expected.get(topic)?.push(world.publish(topic));
      else
        world.events.push({
          actor: `publisher of ${topic}`,
          label: 'publishes',
          run: () => expected.get(topic)?.push(world.publish(topic)),
        });
  scenario.race(world);
  await world.scheduler.run();
  world.scheduler.trace.push('--- afterwards');
  world.crash = undefined;
  world.answer = () => takes;
  await world.stores.rules.setStatus(world.tenant, 'r', 'active');
  world.scheduler.chooser = inOrder;
  await world.settle();
  await check(world, expected);
  return world;
}

async function check(world: RuleWorld, expected: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const { violations, delivered, tenant } = world;
  const firsts = [...new Set(delivered)];
  for (const [topic, ids] of expected) {
    const got = firsts.filter((id) => ids.includes(id));
    if (got.join() !== ids.join()) violations.push(`${topic}: ${got.join()} instead of ${ids.join()}`);
  }
  violations.push(...world.errors);
  if (world.queued > 0) violations.push(`${world.queued} messages are left in the queue`);
  const { outage } = await world.stores.ruleRecords.circuit({ tenant, rule: 'r' });
  if (outage !== undefined) violations.push('the outage has not ended');
  // A worker that crashed may have left rows that nobody counts; their records were delivered.
  if (world.waitingRows().some((id) => !firsts.includes(`${id}.r`))) violations.push('a record still waits');
}

function report(world: RuleWorld, how: string): string {
  return `${how}:\n  ${world.violations.join('\n  ')}\n${world.scheduler.trace.join('\n')}`;
}

describe('records of a rule arrive in order, each at least once, under one id', () => {
  it.each([
    ['while the target recovers', recovery],
    ['from a target that answers at random', flaky],
    ['while the rule is paused and resumed', pausing],
    ['after the target was gone', gone],
  ])('%s, whatever the order of steps', async (_, scenario) => {
    for (let seed = 1; seed <= schedules; seed += 1) {
      const world = await run(scenario, seed);
      expect(world.violations, report(world, `seed ${seed}`)).toEqual([]);
      if (scenario !== flaky)
        expect(world.waitingRows(), report(world, `rows are left, seed ${seed}`)).toEqual([]);
    }
  });

  it.each([
    ['while the target recovers', recovery],
    ['from a target that answers at random', flaky],
    ['while the rule is paused and resumed', pausing],
  ])('%s, when a worker stops before any of its calls', async (_, scenario) => {
    let crashes = 0;
    for (const seed of [1, 2, 3, 4]) {
      const plain = await run(scenario, seed);
      for (const [handler, calls] of plain.handled)
        for (let call = 0; call < calls; call += call > 8 && call < calls - 8 ? 7 : 1) {
          const world = await run(scenario, seed, { handler, call });
          crashes += 1;
          expect(world.violations, report(world, `seed ${seed}, ${handler} stops before ${call}`)).toEqual(
            [],
          );
        }
    }
    expect(crashes).toBeGreaterThan(30);
  });
});
