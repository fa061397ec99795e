import { metrics } from '../../core/metrics.ts';
import type { Rule, RuleDrain, RuleKey, RuleLane } from '../../core/rules.ts';
import type { RuleCircuit, WaitingRecord } from '../../core/store-ports/rule-records.ts';
import { laneOf } from '../../delivery/rules.ts';
import { attemptRecords, attemptSize, type Stop } from './attempt.ts';
import { countTooOld, retrySeconds } from './back-off.ts';
import type { RuleRunContext } from './context.ts';
import { drainRule } from './drain.ts';
import { countDropped, dropOutdated } from './drop.ts';
import { giveUp } from './give-up.ts';
import { type OutageCause, park } from './outage.ts';
import { pauseRule } from './pause.ts';
import { WorkerPermits } from './permits.ts';
import { abandoned, type BatchTime, RuleTurn } from './turn.ts';

/** A message of the rule queue. */
interface Received {
  /** Its name in the queue. */
  readonly id: string;
  /** How often the queue has handed it out. */
  readonly receiveCount: number;
}
export type ReceivedRecord = Received & WaitingRecord;
export type ReceivedDrain = Received & { readonly drain: RuleDrain };

/** One batch of the rule queue. */
export interface RuleBatch {
  /** In the order of the queue. */
  readonly records: readonly ReceivedRecord[];
  readonly drains: readonly ReceivedDrain[];
}

/** The queue that a batch has come from. */
export interface RuleReceipts {
  /** Deletes messages before the batch ends. A failure is harmless: they are deleted at its end. */
  remove(ids: readonly string[]): Promise<void>;
  /** Returns messages to the queue, which hides them for this time. */
  hide(ids: readonly string[], seconds: number): Promise<void>;
  /** Resolves after this time. */
  pause(milliseconds: number): Promise<void>;
}

/**
 * Serves a batch: rules and their strands concurrently, the records of a strand in order. A record
 * leaves the queue when its target has it, or when it waits in a row, or when it has become a
 * failure. What is left of a strand returns to the queue together.
 *
 * A worker that is busy with a rule for longer than `ruleSlowMs` needs a permit of the tenant.
 * Without one it begins no further attempts, soon no longer waits for the last ones, and the
 * records wait in rows: targets that answer late hold few workers, whatever the flood. A record
 * whose answer was not waited for is sent a second time, with the same id.
 *
 * @returns ids of the messages that the queue must keep.
 */
export async function serveRuleBatch(
  context: RuleRunContext,
  { records, drains }: RuleBatch,
  receipts: RuleReceipts,
): Promise<string[]> {
  const ending = new BatchEnd(context, receipts, records.length + drains.length);
  const permits = new WorkerPermits(context);
  const stopAtMs = context.clock.nowMs() + context.settings.ruleRunSeconds * 1000;
  const isSlow = receipts.pause(context.settings.ruleSlowMs);
  const isHanging = receipts.pause(context.settings.ruleAbandonMs);
  const works = [
    ...groupsOf(records, ({ record }) => `${record.tenant}/${record.rule}`).map((group) =>
      guarded(context, ending, group, () =>
        new RuleWork(context, ending, { stopAtMs, isSlow, isHanging, permits }).serve(group),
      ),
    ),
    ...drains.map((received) =>
      guarded(context, ending, [received], async () => {
        const result = await drainRule(context, received.drain, received.receiveCount, permits);
        if (result === 'done') ending.finish([received]);
        else await ending.giveBack([received], result.againSeconds);
        await ending.release([received]);
      }),
    ),
  ];
  await ending.settle(Promise.all(works).then(() => permits.release()));
  return [...records, ...drains].map(({ id }) => id).filter((id) => !ending.isFinished(id));
}

/** What fails in Wisp itself returns to the queue, with a back-off. */
async function guarded(
  { log, settings }: RuleRunContext,
  ending: BatchEnd,
  group: readonly Received[],
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.error('a worker of rules failed', { error: error instanceof Error ? error.name : 'unknown' });
    const left = group.filter(({ id }) => !ending.isFinished(id));
    await ending.giveBack(left, retrySeconds(settings, (group[0]?.receiveCount ?? 1) - 1));
  }
}

/**
 * Which messages of a batch are finished, and when the queue hears of it. Message groups that have
 * ended are deleted early once the batch takes long; what a group has finished before it ends is
 * not: each deletion is a request, and the group has to wait for its last record anyway.
 */
class BatchEnd {
  readonly #context: RuleRunContext;
  readonly #receipts: RuleReceipts;
  readonly #finished = new Set<string>();
  /** Finished messages of groups that have ended, whose deletion has not been asked for. */
  #removable: string[] = [];
  #isLate = false;
  #left: number;

  constructor(context: RuleRunContext, receipts: RuleReceipts, messages: number) {
    this.#context = context;
    this.#receipts = receipts;
    this.#left = messages;
  }

  isFinished(id: string): boolean {
    return this.#finished.has(id);
  }

  finish(messages: readonly Received[]): void {
    for (const { id } of messages) this.#finished.add(id);
  }

  /** Nothing more is done for these messages, whether they are finished or have been given back. */
  async release(messages: readonly Received[]): Promise<void> {
    this.#left -= messages.length;
    this.#removable.push(...messages.map(({ id }) => id).filter((id) => this.#finished.has(id)));
    if (this.#isLate) await this.#remove();
  }

  async giveBack(messages: readonly Received[], seconds: number): Promise<void> {
    if (messages.length === 0) return;
    const ids = messages.map(({ id }) => id);
    // If this fails, they return when their visibility timeout ends.
    await this.#receipts
      .hide(ids, seconds)
      .catch(() => this.#context.log.warn('records of rules return late to the queue'));
  }

  /** Waits for the works. Once they take long, groups that have ended are deleted at once. */
  async settle(works: Promise<unknown>): Promise<void> {
    const isDone = works.then(() => true);
    const isSlow = this.#receipts.pause(this.#context.settings.ruleEarlyDeleteMs).then(() => false);
    if (await Promise.race([isDone, isSlow])) return;
    this.#isLate = true;
    await this.#remove();
    await isDone;
  }

  /** The end of the batch deletes what its last group has finished. */
  async #remove(): Promise<void> {
    const ids = this.#removable;
    if (ids.length === 0 || this.#left === 0) return;
    this.#removable = [];
    await this.#receipts
      .remove(ids)
      .catch(() => this.#context.log.warn('finished records of rules are deleted late'));
  }
}

/** The records of one rule in a batch. */
class RuleWork {
  readonly #context: RuleRunContext;
  readonly #ending: BatchEnd;
  readonly #time: BatchTime;
  #hasFailures = false;

  constructor(context: RuleRunContext, ending: BatchEnd, time: BatchTime) {
    this.#context = context;
    this.#ending = ending;
    this.#time = time;
  }

  async serve(received: readonly ReceivedRecord[]): Promise<void> {
    const [first] = received;
    if (first === undefined) return;
    const key = { tenant: first.record.tenant, rule: first.record.rule };
    // The circuit is read after the records were received: see `park`.
    const [definition, circuit] = await Promise.all([
      this.#context.definitions.read(key),
      this.#context.ruleRecords.circuit(key),
    ]);
    if (definition === undefined) {
      countDropped(this.#context, key, received.length);
      this.#ending.finish(received);
      return this.#ending.release(received);
    }
    const { rule, isHeld } = definition;
    const records = dropOutdated(this.#context, rule, received);
    const outdated = received.filter((one) => !records.includes(one));
    this.#ending.finish(outdated);
    await this.#ending.release(outdated);
    if (records.length === 0) return;
    const lane = laneOf(rule);
    // Without a queue for its lane the target is tried here, fails, and the records wait in rows.
    if (lane !== first.record.lane && this.#context.ruleQueue.lanes.has(lane)) {
      await this.#moveLane(lane, records);
      return this.#ending.release(records);
    }
    const mustWait = isHeld || circuit.outage !== undefined;
    if (mustWait && !(await this.#mayDeliver(records, circuit, isHeld))) return this.#ending.release(records);
    this.#hasFailures = circuit.failures > 0;
    const turn = new RuleTurn(this.#time, key.tenant);
    // Each is guarded by itself: the batch must not end while another one is delivered.
    await Promise.all(
      groupsOf(records, ({ strand }) => String(strand)).map(async (strand) => {
        await guarded(this.#context, this.#ending, strand, () => this.#serveStrand(key, rule, strand, turn));
        await this.#ending.release(strand);
      }),
    );
    turn.end();
  }

  /**
   * The rule has another kind of target now, which another function serves. A crash behind the
   * first line sends the records again, under the same deduplication ids.
   */
  async #moveLane(lane: RuleLane, records: readonly ReceivedRecord[]): Promise<void> {
    await this.#context.ruleQueue.send(
      records.map(({ record }) => ({ ...record, lane, moves: (record.moves ?? 0) + 1 })),
    );
    this.#ending.finish(records);
  }

  /** Moves the records into rows. @returns whether they are to be delivered instead. */
  async #mayDeliver(
    records: readonly ReceivedRecord[],
    known: RuleCircuit,
    isHeld: boolean,
  ): Promise<boolean> {
    const outcome = await park(this.#context, records, {
      known,
      ...(isHeld ? { cause: { seconds: 0 } } : {}),
    });
    if (outcome === 'parked') this.#ending.finish(records);
    if (outcome === 'unsettled')
      await this.#ending.giveBack(records, this.#context.settings.ruleRetrySeconds);
    return outcome === 'closed';
  }

  async #serveStrand(
    key: RuleKey,
    rule: Rule,
    records: readonly ReceivedRecord[],
    turn: RuleTurn,
  ): Promise<void> {
    const { clock, ruleRecords } = this.#context;
    const size = attemptSize(this.#context, rule);
    for (let start = 0; start < records.length; ) {
      if (turn.mustGiveWay) return this.#giveWay(records.slice(start));
      if (clock.nowMs() >= this.#time.stopAtMs) return this.#ending.giveBack(records.slice(start), 0);
      const run = records.slice(start, start + size);
      const attempt = attemptRecords(
        this.#context,
        rule,
        run.map(({ record }) => record),
      );
      const result = await Promise.race([attempt, turn.isAbandoned]);
      if (result === abandoned) {
        // Nobody waits for it, so its error must not count as one of the process.
        attempt.catch(() => undefined);
        return this.#giveWay(records.slice(start));
      }
      const { finished, isAnswered, stop } = result;
      this.#ending.finish(run.slice(0, finished));
      start += finished;
      if (isAnswered && this.#hasFailures) {
        this.#hasFailures = false;
        await ruleRecords.clearFailures(key);
      }
      if (stop !== undefined) return this.#stopped(rule, records.slice(start), stop);
    }
  }

  /** The records wait in rows, from where one worker delivers those of many strands together. */
  async #giveWay(left: readonly ReceivedRecord[]): Promise<void> {
    this.#context.log.count(metrics.rulesSlow);
    return this.#park(left, { code: 'rule-target-slow', seconds: 0 });
  }

  /** @param left the record that was not delivered, and those behind it. */
  async #stopped(rule: Rule, left: readonly ReceivedRecord[], stop: Stop): Promise<void> {
    const [first] = left;
    if (first === undefined) return;
    const { record, receiveCount } = first;
    const { clock, ruleRecords, settings } = this.#context;
    if (stop.kind === 'gone') {
      await pauseRule(this.#context, record);
      return this.#park(left, { code: stop.code, seconds: 0 });
    }
    const count = countTooOld(
      rule,
      left.map((one) => one.record),
      clock.nowMs(),
    );
    await giveUp(
      this.#context,
      left.slice(0, count).map((one) => ({ ...one.record, failure: stop.code })),
    );
    this.#ending.finish(left.slice(0, count));
    const failures = await ruleRecords.countFailure(record, { code: stop.code, atMs: clock.nowMs() });
    const seconds = retrySeconds(settings, receiveCount - 1, stop.afterSeconds);
    if (failures < settings.ruleCircuitFailures) return this.#ending.giveBack(left.slice(count), seconds);
    const cause = { code: stop.code, seconds: retrySeconds(settings, 0, stop.afterSeconds) };
    return this.#park(left.slice(count), cause);
  }

  async #park(records: readonly ReceivedRecord[], cause: OutageCause): Promise<void> {
    const outcome = await park(this.#context, records, { cause });
    if (outcome === 'parked') this.#ending.finish(records);
    else await this.#ending.giveBack(records, this.#context.settings.ruleRetrySeconds);
  }
}

/** Groups in the order of their first members. */
function groupsOf<T>(values: readonly T[], nameOf: (value: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const group = groups.get(nameOf(value)) ?? [];
    group.push(value);
    groups.set(nameOf(value), group);
  }
  return [...groups.values()];
}
