import { seededRandom } from '../../lib/local/gateway/index.ts';

/**
 * A possible next event: a held port call of a handler, or an action of a client or the network.
 */
export interface Step {
  /** The handler or client of the step; a change between actors is a preemption. */
  readonly actor: string;
  readonly label: string;
  readonly run: () => void;
  /** Whether it is possible now. Default: always. */
  readonly ready?: () => boolean;
}

/** Picks one of the possible steps. `current` is the actor of the last step. */
export type Chooser = (steps: readonly Step[], current: string | undefined) => number;

/** A handler was stopped here. Code in lib treats it like any failure. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** A running handler, whose port calls wait for the scheduler. */
export class Handler {
  readonly name: string;
  /** Stops the handler instead of its call of this number (0 is the first); undefined: never. */
  crashAt: number | undefined;
  /** Stops the handler instead of a call with this label. */
  crashBefore: string | undefined;
  /** Labels of the calls so far. */
  readonly calls: string[] = [];
  crashed = false;
  #crashing: ((error: Crash) => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** Rejects when the handler is stopped. */
  readonly stopped = new Promise<never>((_, reject) => {
    this.#crashing = reject;
  });

  crash(): void {
    this.crashed = true;
    this.#crashing?.(new Crash(this.name));
  }
}

/** More steps than any scenario has: an infinite loop. */
const maxSteps = 20_000;

/**
 * Holds every port call and every other event, and releases them one by one in the order of a
 * chooser. Between two steps all other code runs to completion, so equal choices give equal
 * schedules.
 */
export class Scheduler {
  /** The handler whose code is running: only one runs between two steps. */
  #running: Handler | undefined;
  readonly #held: Step[] = [];
  chooser: Chooser;
  #current: string | undefined;
  /** The steps so far, for the report of a failure. */
  readonly trace: string[] = [];
  /** Steps besides held calls; evaluated before each choice. */
  environment: () => readonly Step[] = () => [];

  constructor(chooser: Chooser) {
    this.chooser = chooser;
  }

  /**
   * Runs a handler within a step. Rejects with {@link Crash} if it is stopped; its calls never
   * settle.
   */
  start<T>(handler: Handler, work: () => Promise<T>): Promise<T> {
    handler.stopped.catch(() => undefined);
    this.#running = handler;
    const result = work();
    result.catch(() => undefined);
    return Promise.race([result, handler.stopped]);
  }

  /** A port call: it takes effect and answers when the scheduler picks it. */
  hold<T>(label: string, effect: () => T): Promise<T> {
    const handler = this.#running;
    if (handler === undefined) return Promise.resolve().then(effect);
    return new Promise((resolve, reject) => {
      if (handler.crashed) return;
      this.#held.push({
        actor: handler.name,
        label,
        run: () => {
          if (handler.crashed) return;
          if (handler.calls.length === handler.crashAt || label === handler.crashBefore) {
            this.trace.push(`${handler.name}: CRASH before ${label}`);
            handler.crash();
            return;
          }
          handler.calls.push(label);
          this.#running = handler;
          try {
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        },
      });
    });
  }

  /** Runs steps until none is possible. */
  async run(): Promise<void> {
    for (let count = 0; count < maxSteps; count += 1) {
      await turn();
      const steps = [...this.#held, ...this.environment()];
      if (steps.length === 0) return;
      const index = steps.length === 1 ? 0 : this.chooser(steps, this.#current);
      const step = steps[index];
      if (step === undefined) throw new RangeError(`choice ${index} of ${steps.length}`);
      if (index < this.#held.length) this.#held.splice(index, 1);
      this.#current = step.actor;
      this.trace.push(`${step.actor}: ${step.label}`);
      this.#running = undefined;
      step.run();
    }
    throw new Error(`the schedule does not come to an end:\n${this.trace.slice(-60).join('\n')}`);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Oldest step first: handlers run concurrently, calls in the order in which they were made. */
export const inOrder: Chooser = () => 0;

/** Seeded random choices; some seeds rarely change the actor, others at every step. */
export function randomly(seed: number): Chooser {
  const random = seededRandom(seed);
  const stickiness = [0, 0.5, 0.8, 0.95][seed % 4] ?? 0;
  return (steps, current) => {
    if (random() < stickiness) {
      const same = steps.findIndex((step) => step.actor === current);
      if (same >= 0) return same;
    }
    return Math.floor(random() * steps.length);
  };
}

/**
 * All schedules with at most `preemptions` changes away from an actor that could continue, depth
 * first. The choices of one schedule determine the next; `next` returns false after the last.
 */
export class Exploration {
  readonly #preemptions: number;
  #prefix: number[] = [];
  #taken: { index: number; options: number; spent: number }[] = [];

  constructor(preemptions: number) {
    this.#preemptions = preemptions;
  }

  /** The chooser of one schedule. */
  begin(): Chooser {
    this.#taken = [];
    let spent = 0;
    return (steps, current) => {
      const same = Math.max(
        0,
        steps.findIndex((step) => step.actor === current),
      );
      const preempts = steps.some((step) => step.actor === current);
      const mayChoose = !preempts || spent < this.#preemptions;
      const rank = this.#prefix[this.#taken.length] ?? 0;
      // Rank 0 stays with the actor; the others follow in their order.
      const index = rank === 0 ? same : rank - 1 < same ? rank - 1 : rank;
      this.#taken.push({ index: rank, options: mayChoose ? steps.length : 1, spent });
      if (rank > 0 && preempts) spent += 1;
      return index;
    };
  }

  /** Continues with the next schedule. */
  next(): boolean {
    for (let depth = this.#taken.length - 1; depth >= 0; depth -= 1) {
      const choice = this.#taken[depth];
      if (choice !== undefined && choice.index + 1 < choice.options) {
        this.#prefix = [...this.#taken.slice(0, depth).map(({ index }) => index), choice.index + 1];
        return true;
      }
    }
    return false;
  }
}
