import type { Message } from '../core/model.ts';
import type { Parcel, Progress } from './parcels.ts';

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
