import { type Lane, Lanes } from './lanes.ts';
import type { Message } from './message.ts';

/** A group with more than this share of the messages in flight is noisy, ... */
const noisyShare = 0.1;
/** ... if it has at least so many. */
const minNoisyInFlight = 30;
/** A noisy group that sends nothing for so long is quiet again, in milliseconds. */
const quietAfterMs = 300_000;

interface Group {
  readonly lanes: Lanes;
  inFlight: number;
  isNoisy: boolean;
  lastSentAtMs: number;
}

/**
 * The messages of a standard queue, by `MessageGroupId`. A group with a backlog that keeps many
 * consumers busy is noisy: its messages come after those of all others, and among noisy groups the
 * one with the fewest messages in flight comes first. A message without a group is a group of its
 * own (Amazon SQS Developer Guide, "How Amazon SQS fair queues work").
 *
 * SQS also measures the share of processing time, over a period that is not documented. That is not
 * emulated.
 */
export class FairLanes {
  readonly #groups = new Map<string | undefined, Group>();
  readonly #groupOf = new WeakMap<Lane, Group>();
  #inFlight = 0;

  add(message: Message): void {
    const { groupId, sentAtMs } = message;
    const group = this.#groups.get(groupId) ?? {
      lanes: new Lanes(({ messageId }) => messageId),
      inFlight: 0,
      isNoisy: false,
      lastSentAtMs: sentAtMs,
    };
    this.#groups.set(groupId, group);
    group.lastSentAtMs = Math.max(group.lastSentAtMs, sentAtMs);
    group.lanes.add(message);
  }

  remove(message: Message): void {
    const group = this.#groups.get(message.groupId);
    group?.lanes.remove(message);
    if (group?.lanes.isEmpty === true) this.#groups.delete(message.groupId);
  }

  /** Must follow a change of the message's `visibleAtMs`. */
  reschedule(message: Message): void {
    this.#groups.get(message.groupId)?.lanes.reschedule(message);
  }

  /** Must follow each receive, with 1, and the end of each receipt, with -1. */
  countInFlight({ groupId }: Message, change: 1 | -1): void {
    this.#inFlight += change;
    const group = this.#groups.get(groupId);
    if (group !== undefined) group.inFlight += change;
  }

  nextDueMs(): number | undefined {
    let first: number | undefined;
    for (const { lanes } of this.#groups.values()) {
      const dueMs = lanes.nextDueMs();
      if (dueMs !== undefined && (first === undefined || dueMs < first)) first = dueMs;
    }
    return first;
  }

  takeDue(nowMs: number): Lane | undefined {
    let best: Candidate | undefined;
    for (const [groupId, group] of this.#groups) {
      const dueMs = group.lanes.nextDueMs();
      const hasBacklog = dueMs !== undefined && dueMs <= nowMs;
      if (groupId !== undefined) this.#judge(group, hasBacklog, nowMs);
      if (!hasBacklog) continue;
      if (best === undefined || comesBefore({ group, dueMs }, best)) best = { group, dueMs };
    }
    const lane = best?.group.lanes.takeDue(nowMs);
    if (best !== undefined && lane !== undefined) this.#groupOf.set(lane, best.group);
    return lane;
  }

  putBack(lane: Lane): void {
    this.#groupOf.get(lane)?.lanes.putBack(lane);
  }

  *messages(): Generator<Message> {
    for (const { lanes } of this.#groups.values()) yield* lanes.messages();
  }

  #judge(group: Group, hasBacklog: boolean, nowMs: number): void {
    if (!hasBacklog || nowMs - group.lastSentAtMs >= quietAfterMs) group.isNoisy = false;
    else if (group.inFlight >= minNoisyInFlight && group.inFlight > noisyShare * this.#inFlight)
      group.isNoisy = true;
  }
}

interface Candidate {
  readonly group: Group;
  readonly dueMs: number;
}

function comesBefore(one: Candidate, other: Candidate): boolean {
  if (one.group.isNoisy !== other.group.isNoisy) return other.group.isNoisy;
  if (one.group.isNoisy && one.group.inFlight !== other.group.inFlight)
    return one.group.inFlight < other.group.inFlight;
  return one.dueMs < other.dueMs;
}
