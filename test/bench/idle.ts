import { setTimeout as pause } from 'node:timers/promises';
import { openFiles } from './open-files.ts';
import { startChild } from './process.ts';
import type { Run, SectionResult } from './report.ts';
import type { RuntimeProcess } from './runtime-process.ts';
import type { Swarm } from './swarm.ts';

/** Files that a process opens in addition to its connections. */
const spareFiles = 500;

/** Measures memory and CPU of the local runtime with idle connections. */
export async function measure({ quick, progress }: Run): Promise<SectionResult> {
  const wanted = quick ? 500 : 10_000;
  const count = Math.min(wanted, openFiles() - spareFiles);
  const runtime = startChild<RuntimeProcess>('./runtime-process.ts', { heapMegabytes: 6_000 });
  const swarm = startChild<Swarm>('./swarm.ts');
  try {
    const { url, username, password } = await runtime.call('start', undefined);
    const before = await runtime.call('look', undefined);
    progress(`connecting ${count.toLocaleString('en-GB')} clients`);
    const { ms } = await swarm.call('join', { url, username, password, prefix: 'idle-', count });
    const connected = await runtime.call('look', undefined);
    const idleSeconds = quick ? 5 : 60;
    progress(`all connected after ${(ms / 1000).toFixed(0)} s; observing for ${idleSeconds} s`);
    await pause(idleSeconds * 1000);
    const after = await runtime.call('look', undefined);
    const open = await swarm.call('open', undefined);
    const megabytes = (bytes: number): number => bytes / 2 ** 20;
    const each = (bytes: number): number => bytes / 1024 / count;
    return {
      tables: [
        {
          title: `The local runtime, ${count.toLocaleString('en-GB')} idle connections`,
          columns: ['', 'value'],
          rows: [
            ['open connections at the end', open],
            ['connections per second while connecting', (count / ms) * 1000],
            ['resident memory before, MB', megabytes(before.residentBytes)],
            ['resident memory after, MB', megabytes(after.residentBytes)],
            ['resident memory per connection, KB', each(after.residentBytes - before.residentBytes)],
            ['JavaScript heap per connection, KB', each(after.heapBytes - before.heapBytes)],
            ['CPU while idle, % of one processor', (after.cpuMs - connected.cpuMs) / (idleSeconds * 10)],
          ],
        },
      ],
      plots: [],
      notes: [
        'Each connection is an MQTT session that was authenticated by a token. The clients run in another process. The store is in memory, so the figures include the rows and timers of each connection. Heap is measured after a full garbage collection.',
        ...(open < count
          ? [
              'The gateway closed the missing connections after 10 minutes of inactivity, because this machine connects too slowly.',
            ]
          : []),
        ...(count < wanted
          ? [
              `Only ${count.toLocaleString('en-GB')} connections, because a process may open only ${openFiles()} files (\`ulimit -n\`).`,
            ]
          : []),
      ],
      data: { count, open, connectSeconds: ms / 1000, idleSeconds, before, connected, after },
    };
  } finally {
    await swarm.stop();
    await runtime.stop();
  }
}
