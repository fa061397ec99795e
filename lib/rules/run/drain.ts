import { concurrently } from '../../core/concurrently.ts';
import type { Rule, RuleDrain, RuleKey } from '../../core/rules.ts';
import { ruleStrands } from '../../core/rules.ts';
import type { RuleOutage, WaitingRecord } from '../../core/store-ports/rule-records.ts';
import { laneOf } from '../../delivery/rules.ts';
import { attemptRecords, attemptSize, type Stop } from './attempt.ts';
import { countTooOld, retrySeconds } from './back-off.ts';
import type { RuleRunContext } from './context.ts';
import { dropOutdated } from './drop.ts';
import { giveUp } from './give-up.ts';
import { pauseRule } from './pause.ts';
import type { WorkerPermits } from './permits.ts';

/**
 * Receives of one request after which another one replaces it: the queue moves a message to the
 * dead-letter queue after 1,000.
 */
const maxReceives = 100;

/** Seconds for which a drain whose time has run out leaves its permit to other rules. */
const turnSeconds = 1;

/** `again`: the request returns to the queue for this time. */
export type DrainResult = 'done' | { readonly againSeconds: number };

/**
 * Delivers what waits during an outage, and ends the outage when nothing waits. While the target
 * fails, one call makes two attempts: at the oldest record, and at one of another strand, so that
 * one record that the target cannot handle does not stop all others. Once one succeeds, the strands
 * are drained concurrently, each in its order.
 *
 * Rows leave after their records: a crash, or two calls at the same time, deliver some a second
 * time with the same id. Each call begins at the head of a strand, so the first deliveries are in
 * order all the same.
 *
 * Each call takes a permit of the tenant, because it may take long. Without one it comes again.
 *
 * @param receiveCount how often the queue has handed out this request.
 */
export async function drainRule(
  context: RuleRunContext,
  drain: RuleDrain,
  receiveCount: number,
  permits: WorkerPermits,
): Promise<DrainResult> {
  // Replaced before anything else can fail, as it may each time.
  const { outage } = receiveCount < maxReceives ? {} : await context.ruleRecords.circuit(drain);
  if (outage === undefined) return drainOnce(context, drain, permits);
  if (!(await isValid(context, drain, outage))) return 'done';
  // The new request is sent first. If this call ends before the second write, both are valid until
  // one of them takes its turn, and deliver the same rows at worst.
  const number = drain.number + 1;
  await context.ruleDrains.send({ ...drain, number });
  await context.ruleRecords.noteDrain(drain, drain.period, number);
  return 'done';
}

async function drainOnce(
  context: RuleRunContext,
  drain: RuleDrain,
  permits: WorkerPermits,
): Promise<DrainResult> {
  const { clock, definitions, ruleRecords, settings } = context;
  const stopAtMs = clock.nowMs() + settings.ruleRunSeconds * 1000;
  const definition = await definitions.read(drain, true);
  if (definition === undefined) return clearRule(context, drain, stopAtMs);
  const lane = laneOf(definition.rule);
  if (lane !== drain.lane && context.ruleQueue.lanes.has(lane)) {
    // The rule has another kind of target now, which another function serves.
    await context.ruleDrains.send({ ...drain, lane, number: drain.number + 1 });
    return 'done';
  }
  for (;;) {
    const { outage } = await ruleRecords.circuit(drain);
    if (outage === undefined || !(await isValid(context, drain, outage))) return 'done';
    if (definition.isHeld) return { againSeconds: settings.ruleHoldSeconds };
    const nowMs = clock.nowMs();
    if (nowMs < outage.nextTryAtMs)
      return {
        againSeconds: Math.min(Math.ceil((outage.nextTryAtMs - nowMs) / 1000), settings.ruleHoldSeconds),
      };
    if (!(await permits.take(drain.tenant))) return { againSeconds: settings.ruleRetrySeconds };
    const result = await new Drain(context, definition.rule, drain, outage, stopAtMs).run();
    if (result !== 'further') return result;
    if (clock.nowMs() >= stopAtMs) return { againSeconds: turnSeconds };
  }
}

/** Whether no later request has replaced this one. One that is newer than known takes over. */
async function isValid(
  { ruleRecords }: RuleRunContext,
  drain: RuleDrain,
  { period, drain: newest }: RuleOutage,
): Promise<boolean> {
  if (period !== drain.period || drain.number < newest) return false;
  return drain.number === newest || (await ruleRecords.noteDrain(drain, period, drain.number));
}

/** The rule no longer exists: what it has left goes, in as many calls as it takes. */
async function clearRule(
  { clock, ruleRecords }: RuleRunContext,
  key: RuleKey,
  stopAtMs: number,
): Promise<DrainResult> {
  while (await ruleRecords.clear(key)) if (clock.nowMs() >= stopAtMs) return { againSeconds: 0 };
  return 'done';
}

/** One pass over the strands of a rule. */
class Drain {
  readonly #context: RuleRunContext;
  readonly #rule: Rule;
  readonly #key: RuleKey;
  readonly #outage: RuleOutage;
  readonly #stopAtMs: number;

  constructor(context: RuleRunContext, rule: Rule, key: RuleKey, outage: RuleOutage, stopAtMs: number) {
    this.#context = context;
    this.#rule = rule;
    this.#key = { tenant: key.tenant, rule: key.rule };
    this.#outage = outage;
    this.#stopAtMs = stopAtMs;
  }

  /** @returns `further` if the next pass may deliver more at once. */
  async run(): Promise<DrainResult | 'further'> {
    const { ruleRecords } = this.#context;
    const { period, parked, tries } = this.#outage;
    const heads = await this.#heads();
    if (heads.length === 0)
      return (await ruleRecords.endOutage(this.#key, period, parked)) ? 'done' : 'further';
    const stops = new Map<number, Stop>();
    let isAlive = false;
    const probes = probesOf(heads, tries);
    // If one fails inside Wisp, the call ends after the other all the same.
    await concurrently(probes, probes.length, async (head) => {
      const { stop, isAnswered } = await this.#attempt(head.strand, [head]);
      if (stop !== undefined) stops.set(head.strand, stop);
      if (isAnswered) isAlive = true;
    });
    if (!isAlive && stops.size === 0) return 'further';
    if (!isAlive) return this.#failed(heads, stops, tries);
    if (tries > 0)
      await ruleRecords.postpone(this.#key, period, { atMs: this.#context.clock.nowMs(), tries: 0 });
    const isLate = await this.#drainStrands(heads, stops);
    const [stop] = stops.values();
    if (stop?.kind === 'gone') return this.#gone();
    if (isLate) return { againSeconds: turnSeconds };
    return stop === undefined ? 'further' : this.#postpone(stop, 0);
  }

  /** The oldest record of each strand, the oldest first. */
  async #heads(): Promise<WaitingRecord[]> {
    const strands = Array.from({ length: ruleStrands }, (_, strand) => strand);
    const heads = await Promise.all(
      strands.map((strand) => this.#context.ruleRecords.waiting(this.#key, strand, 1)),
    );
    return heads
      .flat()
      .sort((one, other) => (one.sequence.padStart(20, '0') < other.sequence.padStart(20, '0') ? -1 : 1));
  }

  /** @returns whether time has run out. Adds the strands that have stopped to `stops`. */
  async #drainStrands(heads: readonly WaitingRecord[], stops: Map<number, Stop>): Promise<boolean> {
    let isLate = false;
    const strands = heads.map(({ strand }) => strand).filter((strand) => !stops.has(strand));
    await concurrently(strands, this.#context.settings.ruleDrainStrands, async (strand) => {
      const end = await this.#drainStrand(strand);
      if (end === 'late') isLate = true;
      else if (end !== 'empty') stops.set(strand, end);
    });
    return isLate;
  }

  async #drainStrand(strand: number): Promise<'empty' | 'late' | Stop> {
    const { clock, ruleRecords, settings } = this.#context;
    for (;;) {
      const page = await ruleRecords.waiting(this.#key, strand, settings.ruleDrainPage);
      if (page.length === 0) return 'empty';
      const size = attemptSize(this.#context, this.#rule);
      for (let start = 0; start < page.length; start += size) {
        if (clock.nowMs() >= this.#stopAtMs) return 'late';
        const { stop } = await this.#attempt(strand, page.slice(start, start + size));
        if (stop !== undefined) return stop;
      }
    }
  }

  /** Attempts records of one strand, and removes the rows of those that are finished. */
  async #attempt(
    strand: number,
    waiting: readonly WaitingRecord[],
  ): Promise<{ readonly stop?: Stop; readonly isAnswered: boolean }> {
    const { ruleRecords } = this.#context;
    const left = dropOutdated(this.#context, this.#rule, waiting);
    if (left.length < waiting.length)
      await ruleRecords.removeWaiting(
        this.#key,
        waiting.filter((one) => !left.includes(one)),
      );
    if (left.length === 0) return { isAnswered: false };
    const records = left.map(({ record }) => record);
    const { finished, isAnswered, stop } = await attemptRecords(this.#context, this.#rule, records);
    await ruleRecords.removeWaiting(this.#key, left.slice(0, finished));
    if (stop === undefined) return { isAnswered };
    if (stop.kind === 'retry') await this.#giveUpTooOld(strand, stop);
    return { isAnswered, stop };
  }

  /** The records at the head of a strand whose time is over, after an attempt at the first one. */
  async #giveUpTooOld(strand: number, { code }: Stop): Promise<void> {
    const { clock, ruleRecords, settings } = this.#context;
    while (clock.nowMs() < this.#stopAtMs) {
      const page = await ruleRecords.waiting(this.#key, strand, settings.ruleDrainPage);
      const records = page.map(({ record }) => record);
      const count = countTooOld(this.#rule, records, clock.nowMs());
      await giveUp(
        this.#context,
        records.slice(0, count).map((record) => ({ ...record, failure: code })),
      );
      await ruleRecords.removeWaiting(this.#key, page.slice(0, count));
      if (count < page.length || page.length === 0) return;
    }
  }

  /** The target takes nothing. Records whose time is over are given up in all strands. */
  async #failed(
    heads: readonly WaitingRecord[],
    stops: ReadonlyMap<number, Stop>,
    tries: number,
  ): Promise<DrainResult> {
    const [stop] = stops.values();
    if (stop === undefined) return { againSeconds: 0 };
    if ([...stops.values()].some(({ kind }) => kind === 'gone')) return this.#gone();
    const nowMs = this.#context.clock.nowMs();
    const others = heads.filter(
      ({ strand, record }) => !stops.has(strand) && countTooOld(this.#rule, [record], nowMs) > 0,
    );
    await concurrently(others, this.#context.settings.ruleDrainStrands, ({ strand }) =>
      this.#giveUpTooOld(strand, stop),
    );
    return this.#postpone(stop, tries);
  }

  async #gone(): Promise<DrainResult> {
    await pauseRule(this.#context, this.#key);
    return { againSeconds: this.#context.settings.ruleHoldSeconds };
  }

  async #postpone(stop: Stop, tries: number): Promise<DrainResult> {
    const { clock, ruleRecords, settings } = this.#context;
    const afterSeconds = stop.kind === 'retry' ? stop.afterSeconds : undefined;
    const seconds = retrySeconds(settings, tries, afterSeconds);
    const nowMs = clock.nowMs();
    await ruleRecords.postpone(this.#key, this.#outage.period, {
      atMs: nowMs + seconds * 1000,
      tries: tries + 1,
      failure: { code: stop.code, atMs: nowMs },
    });
    return { againSeconds: Math.min(seconds, settings.ruleHoldSeconds) };
  }
}

/** The oldest record, and one of another strand, which changes with each try. */
function probesOf([oldest, ...others]: readonly WaitingRecord[], tries: number): WaitingRecord[] {
  const other = others[tries % Math.max(1, others.length)];
  return [oldest, other].filter((head) => head !== undefined);
}
