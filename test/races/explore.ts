import { Exploration, randomly } from './scheduler.ts';
import { type Faults, World, type WorldOptions } from './world.ts';

/** One situation, and what must hold after each of its schedules. */
export interface Scenario extends Omit<WorldOptions, 'seed'> {
  /** Prepares the race; runs in order. */
  readonly prepare: (world: World) => Promise<void>;
  /** Starts the race. Runs once; its possible steps are explored. */
  readonly race: (world: World, random: () => number) => void;
  /** What clients do after the race, such as reconnecting; runs in order. */
  readonly afterwards?: (world: World) => Promise<void>;
  /** Adds what does not hold to `world.violations`. */
  readonly check: (world: World) => void;
  readonly faults?: Faults;
}

/**
 * Seeds per scenario, for CI. RACES_SCHEDULES sets it: 600 for a thorough search (CONTRIBUTING.md).
 */
export const schedules = Number(process.env.RACES_SCHEDULES ?? 100);
/** RACES_SEED runs one seed only, with the trace of its steps on failure. */
const onlySeed = process.env.RACES_SEED === undefined ? undefined : Number(process.env.RACES_SEED);

class RaceFailure extends Error {
  override readonly name = 'RaceFailure';
}

async function once(
  scenario: Scenario,
  seed: number,
  chooser: World['scheduler']['chooser'],
  faults: Faults = {},
): Promise<{ world: World; raced: ReadonlyMap<string, readonly string[]> }> {
  const { prepare, race, afterwards, check, ...options } = scenario;
  const world = new World({ ...options, seed });
  await prepare(world);
  world.scheduler.trace.push('--- race');
  world.faults = { ...options.faults, ...faults };
  world.handled.clear();
  world.scheduler.chooser = chooser;
  race(world, world.random);
  await world.scheduler.run();
  const raced = new Map(world.handled);
  world.scheduler.trace.push('--- afterwards');
  world.faults = {};
  await afterwards?.(world);
  await world.settle();
  check(world);
  for (const error of world.errors) world.violation(`a handler failed: ${describe(error)}`);
  return { world, raced };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function report(world: World, how: string): RaceFailure {
  return new RaceFailure(
    `${how}:\n  ${world.violations.join('\n  ')}\n${world.scheduler.trace.map((line) => `    ${line}`).join('\n')}`,
  );
}

/** Runs a scenario under seeded random schedules. */
export async function exploreRandomly(scenario: Scenario, count = schedules): Promise<void> {
  const seeds = onlySeed === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [onlySeed];
  for (const seed of seeds) {
    const { world } = await once(scenario, seed, randomly(seed));
    if (world.violations.length > 0) throw report(world, `RACES_SEED=${seed}`);
  }
}

/**
 * Runs a scenario under every schedule with at most `preemptions` preemptions, up to `limit`
 * schedules.
 */
export async function exploreAll(
  scenario: Scenario,
  preemptions: number,
  limit = schedules * 10,
): Promise<{ count: number; complete: boolean }> {
  const exploration = new Exploration(preemptions);
  for (let count = 1; ; count += 1) {
    const { world } = await once(scenario, 1, exploration.begin());
    if (world.violations.length > 0) throw report(world, `schedule ${count} with ${preemptions} preemptions`);
    if (!exploration.next()) return { count, complete: true };
    if (count >= limit) return { count, complete: false };
  }
}

/** A call that changes nothing outside its handler. */
const readOnly = /^(GetItem|BatchGetItem|Query|activity of) /;

/**
 * Crashes each handler of the race before each of its calls that has an effect, and before its
 * last: finds the handlers of a schedule first, then runs the schedule once for each of these
 * calls. A handler that dies before a read leaves what it leaves before its next write.
 */
export async function crashEverywhere(scenario: Scenario, seed: number): Promise<number> {
  const plain = await once(scenario, seed, randomly(seed));
  if (plain.world.violations.length > 0) throw report(plain.world, `RACES_SEED=${seed}, no crash`);
  let count = 0;
  for (const [handler, calls] of plain.raced)
    for (const [call, label] of calls.entries()) {
      if (readOnly.test(label) && call < calls.length - 1) continue;
      const { world } = await once(scenario, seed, randomly(seed), { crash: { handler, call } });
      count += 1;
      if (world.violations.length > 0)
        throw report(world, `RACES_SEED=${seed}, ${handler} stopped before call ${call}`);
    }
  return count;
}

/** {@link crashEverywhere} for so many seeds, each with a scenario of its own. */
export async function crashUnderSeeds(make: () => Scenario, seeds: number): Promise<number> {
  let count = 0;
  for (let seed = 1; seed <= Math.ceil(seeds); seed += 1) count += await crashEverywhere(make(), seed);
  return count;
}
