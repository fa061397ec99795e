import type { Run, SectionResult } from './report.ts';

export interface Section {
  readonly title: string;
  /** One line for `--help`. */
  readonly about: string;
  /** The page that `--write-summary` writes to. Default: docs/performance.md. */
  readonly page?: string;
  /** Heap of the section's process, if Node's default is too small. */
  readonly heapMegabytes?: number;
  load(): Promise<{ measure(run: Run): Promise<SectionResult> }>;
}

/** In the order of execution: sections that others could disturb come first. */
export const sections = {
  operations: {
    title: 'Cost of one exchange',
    about: 'store calls, units, round trips and messages of each exchange',
    load: () => import('./operations.ts'),
  },
  units: {
    title: 'Metered units and their price',
    about: 'workloads W1 to W5 in metered units and dollars, compared with other services',
    load: () => import('./units/index.ts'),
  },
  attacks: {
    title: 'What attacks cost at most',
    about: 'units and dollars of what strangers and clients can send, at the bounds of a deployment',
    page: 'docs/security.md',
    load: () => import('./attacks/index.ts'),
  },
  cpu: {
    title: 'CPU of the message function',
    about: 'CPU per message compared with the minimum (base64, parsing, SDK calls)',
    load: () => import('./cpu/index.ts'),
  },
  throughput: {
    title: 'Throughput and latency',
    about: 'end to end at QoS 0, 1 and 2 with 0 and 30 ms round trip, against Aedes and Mosquitto',
    load: () => import('./throughput/index.ts'),
  },
  edge: {
    title: 'The edge',
    about: 'an edge: units and dollars of W1 to W5, throughput and CPU against Aedes and Mosquitto',
    load: () => import('./edge/index.ts'),
  },
  subscriptions: {
    title: 'Many subscriptions',
    about: 'cost and latency of a publish in tenants with 100 to 1,000,000 subscriptions',
    heapMegabytes: 12_000,
    load: () => import('./subscriptions.ts'),
  },
  inline: {
    title: 'Inline delivery or fan-out queue',
    about: 'the same audiences served inline by the publisher’s handler and by the fan-out queue',
    load: () => import('./inline.ts'),
  },
  audience: {
    title: 'Large audiences',
    about: 'one topic with 10, 1,000 and 10,000 subscribers: time until all received, posts, units, cost',
    heapMegabytes: 6_000,
    load: () => import('./audience.ts'),
  },
  rules: {
    title: 'Rules',
    about: 'a rule: units and dollars per delivery, latency, throughput, time to drain after an outage',
    heapMegabytes: 4_000,
    load: () => import('./rules/index.ts'),
  },
  idle: {
    title: 'Idle connections',
    about: 'memory of the local runtime with 10,000 idle connections',
    heapMegabytes: 6_000,
    load: () => import('./idle.ts'),
  },
} as const satisfies Readonly<Record<string, Section>>;

export type SectionName = keyof typeof sections;
export const sectionNames = Object.keys(sections) as SectionName[];
