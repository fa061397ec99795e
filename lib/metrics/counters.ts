import { metrics } from '../core/metrics.ts';
import type { MetricFamily } from './open-metrics.ts';

/** What a log has counted since its process started. */
export interface Counted {
  readonly counters: ReadonlyMap<string, number>;
  /** By code. */
  readonly refusals: ReadonlyMap<string, number>;
}

/** Names that do not count events: their sums say nothing. */
const noCounters: ReadonlySet<string> = new Set([metrics.edgeConnections]);

/**
 * The counters of lib/core/metrics.ts, also those that are still zero: `MessagesReceived` is
 * `wisp_messages_received_total`.
 */
export function counterFamilies({ counters }: Pick<Counted, 'counters'>): MetricFamily[] {
  return Object.values(metrics)
    .filter((name) => !noCounters.has(name))
    .map((name) => ({
      name: `wisp${name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`,
      type: 'counter',
      help: `Counter ${name} of this process.`,
      samples: [{ value: counters.get(name) ?? 0 }],
    }));
}

export function refusalFamily({ refusals }: Pick<Counted, 'refusals'>): MetricFamily {
  return {
    name: 'wisp_refusals',
    type: 'counter',
    help: 'What this process has refused or dropped, by the code of docs/errors.md.',
    samples: [...refusals].map(([code, value]) => ({ labels: { code }, value })),
  };
}

/** How many clients a process holds. */
export function clientsFamily(clients: number): MetricFamily {
  return {
    name: 'wisp_clients',
    type: 'gauge',
    help: 'Clients that are connected to this process, with or without an accepted CONNECT.',
    samples: [{ value: clients }],
  };
}
