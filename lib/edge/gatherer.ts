import type { Gatherer } from '../core/ports.ts';

/** Calls of a batch: more begin another one, which does not wait for it. */
const maxCalls = 64;

interface Batch {
  readonly calls: unknown[];
  readonly results: Promise<readonly Promise<unknown>[]>;
}

/**
 * Gathers calls until the turn of the event loop ends: then a batch begins, and what comes later
 * belongs to the next one. So what a batch reads is never older than one of its calls, and no batch
 * waits for another one.
 */
export function createGatherer(): Gatherer {
  const byOwner = new WeakMap<object, Map<string, Batch>>();

  function begin(
    batches: Map<string, Batch>,
    kind: string,
    together: (calls: never) => readonly Promise<unknown>[],
  ): Batch {
    const calls: unknown[] = [];
    const results = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      if (batches.get(kind) === batch) batches.delete(kind);
      return together(calls as never);
    });
    const batch = { calls, results };
    batches.set(kind, batch);
    return batch;
  }

  return {
    async gather<Call, Result>(
      owner: object,
      kind: string,
      call: Call,
      together: (calls: readonly Call[]) => readonly Promise<Result>[],
    ) {
      const batches = byOwner.get(owner) ?? new Map<string, Batch>();
      byOwner.set(owner, batches);
      const current = batches.get(kind);
      const batch =
        current === undefined || current.calls.length === maxCalls ? begin(batches, kind, together) : current;
      const index = batch.calls.push(call) - 1;
      const results = await batch.results;
      return results[index] as Promise<Result>;
    },
  };
}
