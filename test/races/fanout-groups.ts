import { groupOf } from '../../lib/aws/fanout-queue.ts';
import type { FanoutSlice } from '../../lib/core/model.ts';

interface Waiting {
  readonly id: string;
  readonly body: string;
  receiveCount: number;
}

/** The event of one invocation, and the function to call at its end. */
export interface Received {
  readonly event: { readonly Records: readonly object[] };
  /** @param failed ids that return to the queue; absent: the invocation died, and all return. */
  end(failed?: readonly string[]): void;
}

/**
 * The fan-out queue of a schedule: FIFO groups, at least once, one receiver per group at a time.
 */
export class FanoutGroups {
  readonly #groups = new Map<string, Waiting[]>();
  readonly #busy = new Set<string>();
  readonly #seen = new Set<string>();

  send(slice: FanoutSlice): void {
    const id = `${slice.id}-${slice.slice}`;
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const group = this.#groups.get(groupOf(slice)) ?? [];
    group.push({ id, body: JSON.stringify({ v: 1, ...slice }), receiveCount: 0 });
    this.#groups.set(groupOf(slice), group);
  }

  /** Groups that have messages and no receiver. */
  ready(): string[] {
    return [...this.#groups]
      .filter(([name, { length }]) => length > 0 && !this.#busy.has(name))
      .map(([name]) => name);
  }

  receive(name: string): Received {
    const waiting = this.#groups.get(name) ?? [];
    const received = waiting.slice(0, 10);
    this.#busy.add(name);
    for (const one of received) one.receiveCount += 1;
    return {
      event: {
        Records: received.map(({ id, body, receiveCount }) => ({
          messageId: id,
          receiptHandle: id,
          body,
          attributes: { ApproximateReceiveCount: String(receiveCount) },
        })),
      },
      end: (failed = received.map(({ id }) => id)) => {
        this.#busy.delete(name);
        const done = new Set(received.filter(({ id }) => !failed.includes(id)));
        this.#groups.set(
          name,
          (this.#groups.get(name) ?? []).filter((one) => !done.has(one)),
        );
      },
    };
  }
}
