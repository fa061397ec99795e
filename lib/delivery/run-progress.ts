import type { Message } from '../core/model.ts';
import type { Parcel, Progress } from './parcels.ts';

/**
 * Messages for the queue of one session that runs are stored with. Rows are stored one after
 * another, and one that fails fails all: more would make runs wait, and fail, for the sake of a
 * write unit to number them.
 */
const maxTogether = 64;

interface RunState {
  readonly sent: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  /** Parcels with messages of the run that are under way, and one until all have begun. */
  open: number;
  failure?: { readonly error: unknown };
}

/**
 * Tells each of several runs of messages when the parcels that hold its messages are done, and
 * whether one of these has failed. Others do not matter to it.
 */
export class RunProgress implements Progress {
  readonly #runs: readonly RunState[];
  readonly #runOf = new Map<Message, RunState>();
  readonly #runsOf = new Map<Parcel, Iterable<RunState>>();

  constructor(runs: readonly { readonly messages: readonly Message[] }[]) {
    this.#runs = runs.map(({ messages }) => {
      const run = newRun();
      for (const message of messages) this.#runOf.set(message, run);
      return run;
    });
  }

  /** Resolves, or rejects with the first error, when all parcels of a run are done. */
  sentOf(index: number): Promise<void> {
    return this.#runs[index]?.sent ?? Promise.resolve();
  }

  /**
   * Divides parcels that would queue more than {@link maxTogether} messages. Those of one run stay
   * together, for their order.
   */
  divide(parcels: readonly Parcel[]): readonly Parcel[] {
    return parcels.some(({ queued }) => queued.length > maxTogether)
      ? parcels.flatMap((parcel) => (parcel.queued.length > maxTogether ? this.#partsOf(parcel) : [parcel]))
      : parcels;
  }

  #partsOf(parcel: Parcel): Parcel[] {
    const counts = new Map<RunState | undefined, number>();
    for (const { message } of parcel.queued) {
      const run = this.#runOf.get(message);
      counts.set(run, (counts.get(run) ?? 0) + 1);
    }
    let last = emptyCopy(parcel);
    const parts = [last];
    const partOf = new Map<RunState | undefined, Parcel>();
    let size = 0;
    for (const [run, count] of counts) {
      if (size > 0 && size + count > maxTogether) {
        last = emptyCopy(parcel);
        parts.push(last);
        size = 0;
      }
      size += count;
      partOf.set(run, last);
    }
    // Runs with nothing for the queue go with the last part.
    const partWith = (message: Message): Parcel => partOf.get(this.#runOf.get(message)) ?? last;
    for (const one of parcel.atMostOnce) partWith(one.message).atMostOnce.push(one);
    for (const one of parcel.behindQueued) partWith(one.message).behindQueued.push(one);
    for (const one of parcel.queued) partWith(one.message).queued.push(one);
    for (const one of parcel.shared) partWith(one.message).shared.push(one);
    return parts;
  }

  begin(parcels: readonly Parcel[]): void {
    for (const parcel of parcels) {
      const runs = this.#find(parcel);
      this.#runsOf.set(parcel, runs);
      for (const run of runs) run.open += 1;
    }
  }

  /** The first parcels have begun. Others may follow from these. */
  allBegun(): void {
    for (const run of this.#runs) close(run);
  }

  /** A parcel has failed in part: its runs fail when they are done. */
  note(parcel: Parcel, error: unknown): void {
    for (const run of this.#runsOf.get(parcel) ?? []) run.failure ??= { error };
  }

  sent(parcel: Parcel): void {
    for (const run of this.#runsOf.get(parcel) ?? []) close(run);
  }

  failed(parcel: Parcel, error: unknown): void {
    this.note(parcel, error);
    this.sent(parcel);
  }

  /** Nothing more will be heard of the parcels: all runs that wait fail. */
  abandon(error: unknown): void {
    for (const run of this.#runs) run.reject(error);
  }

  /**
   * Each parcel goes with those of the smallest of its runs. So no run waits for more parcels of
   * others than it has itself.
   */
  apart(parcels: readonly Parcel[]): readonly (readonly Parcel[])[] {
    const sizes = new Map<RunState, number>();
    for (const parcel of parcels)
      for (const run of this.#runsOf.get(parcel) ?? []) sizes.set(run, (sizes.get(run) ?? 0) + 1);
    const sizeOf = (run: RunState): number => sizes.get(run) ?? 0;
    const parts = new Map<RunState | undefined, Parcel[]>();
    for (const parcel of parcels) {
      let smallest: RunState | undefined;
      for (const run of this.#runsOf.get(parcel) ?? [])
        if (smallest === undefined || sizeOf(run) < sizeOf(smallest)) smallest = run;
      const part = parts.get(smallest);
      if (part === undefined) parts.set(smallest, [parcel]);
      else part.push(parcel);
    }
    return [...parts.values()];
  }

  #find({ atMostOnce, behindQueued, queued }: Parcel): Iterable<RunState> {
    const found = new Set<RunState>();
    for (const list of [atMostOnce, behindQueued, queued])
      for (const { message } of list) {
        const run = this.#runOf.get(message);
        if (run !== undefined) found.add(run);
      }
    return found;
  }
}

function emptyCopy({ key, generation }: Parcel): Parcel {
  return { key, generation, atMostOnce: [], behindQueued: [], queued: [], shared: [] };
}

function newRun(): RunState {
  let resolve = () => {};
  let reject: RunState['reject'] = () => {};
  const sent = new Promise<void>((resolveSent, rejectSent) => {
    resolve = resolveSent;
    reject = rejectSent;
  });
  return { sent, resolve, reject, open: 1 };
}

function close(run: RunState): void {
  run.open -= 1;
  if (run.open > 0) return;
  if (run.failure === undefined) run.resolve();
  else run.reject(run.failure.error);
}
