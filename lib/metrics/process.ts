import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { MetricFamily } from './open-metrics.ts';

let delays: IntervalHistogram | undefined;

/**
 * Memory, CPU time and event-loop delay of this process, named as Prometheus' client library for
 * Node.js names them. The delay is measured from the first call on, between calls: a process that
 * nobody scrapes has no timer for it.
 */
export function processFamilies(): MetricFamily[] {
  const memory = process.memoryUsage();
  const cpu = process.cpuUsage();
  const measured = delays;
  delays ??= monitorEventLoopDelay({ resolution: 10 });
  const families = [
    gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss),
    gauge('nodejs_heap_size_used_bytes', 'Heap of V8 in use.', memory.heapUsed),
    gauge('nodejs_heap_size_total_bytes', 'Heap of V8.', memory.heapTotal),
    gauge('nodejs_external_memory_bytes', 'Memory of buffers outside of the heap.', memory.external),
    counter('process_cpu_seconds', 'CPU time, user and system.', (cpu.user + cpu.system) / 1e6),
    gauge('process_start_time_seconds', 'When the process started.', startedAtSeconds()),
    ...(measured === undefined || measured.count === 0
      ? []
      : [
          gauge('nodejs_eventloop_lag_mean_seconds', 'Mean delay of the event loop.', measured.mean / 1e9),
          gauge(
            'nodejs_eventloop_lag_p99_seconds',
            'Delay of the event loop, 99th percentile.',
            measured.percentile(99) / 1e9,
          ),
        ]),
  ];
  if (measured === undefined) delays.enable();
  else measured.reset();
  return families;
}

function startedAtSeconds(): number {
  return Math.round(performance.timeOrigin) / 1000;
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'gauge', help, samples: [{ value }] };
}

function counter(name: string, help: string, value: number): MetricFamily {
  return { name, type: 'counter', help, samples: [{ value }] };
}
