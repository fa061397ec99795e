import { seededRandom } from '../../lib/local/gateway/index.ts';

/** One thing that may happen next: a held port call of a handler, or something a client or the network does. */
export interface Step {
  /** Whose step it is: a handler's, or a client's. Preemption is counted between actors. */
  readonly actor: string;
  readonly label: string;
  readonly run: () => void;
}

/** Picks one of the steps that may happen next. `current` is the actor of the last step. */
export type Chooser = (steps: readonly Step[], current: string | undefined) => number;

/** A handler was stopped here. Nothing in lib catches it as anything but a failure. */
export class Crash extends Error {
  override readonly name = 'Crash';
}

/** A handler under way: its port calls wait for the scheduler. */
export class Handler {
  readonly name: string;
  /** Stops the handler instead of its call of this number (0 is the first); undefined: never. */
  crashAt: number | undefined;
  /** Stops the handler instead of a call with this label. */
  crashBefore: string | undefined;
  calls = 0;
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

/** Longer than any scenario runs: more steps mean that something goes round in circles. */
const maxSteps = 20_000;

/**
 * Holds every port call of every handler, and whatever else may happen, and lets one happen after another in the order
 * that a chooser picks. Between two steps everything that is not held runs to its end, so a schedule is the same
 * whenever the chooser picks the same.
 */
export class Scheduler {
  /** Whose code is running: between two steps only one handler's does. */
  #running: Handler | undefined;
  readonly #held: Step[] = [];
  chooser: Chooser;
  #current: string | undefined;
  /** What has happened, for the report of a failure. */
  readonly trace: string[] = [];
  /** Steps besides held calls, asked for anew each time. */
  environment: () => readonly Step[] = () => [];

  constructor(chooser: Chooser) {
    this.chooser = chooser;
  }

  /** Runs a handler, one within a step; rejects with {@link Crash} when it is stopped. Its calls never go on then. */
  start<T>(handler: Handler, work: () => Promise<T>): Promise<T> {
    handler.stopped.catch(() => undefined);
    this.#running = handler;
    const result = work();
    result.catch(() => undefined);
    return Promise.race([result, handler.stopped]);
  }

  /** A port call: it takes effect, and answers, when the scheduler picks it. */
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
          if (handler.calls === handler.crashAt || label === handler.crashBefore) {
            this.trace.push(`${handler.name}: CRASH before ${label}`);
            handler.crash();
            return;
          }
          handler.calls += 1;
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

  /** Lets steps happen until nothing more can. */
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

/** The oldest step first: handlers run side by side, each call in the order in which it was made. */
export const inOrder: Chooser = () => 0;

/** Seeded random choices; some seeds stay with an actor for long, others change it at every step. */
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
 * All schedules with at most `preemptions` changes away from an actor that could go on, depth first. The next schedule
 * is told by the choices of the last one; `next` returns false when there are no more.
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

  /** Goes on to the next schedule. */
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
