import { setTimeout as pause } from 'node:timers/promises';
import { openFiles } from './open-files.ts';
import { startChild } from './process.ts';
import type { Run, SectionResult } from './report.ts';
import type { RuntimeProcess } from './runtime-process.ts';
import type { Swarm } from './swarm.ts';

/** What a process has open beside its connections. */
const spareFiles = 500;

/** The local runtime with connections on which nothing happens. */
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
    progress(`all connected after ${(ms / 1000).toFixed(0)} s; looking on for ${idleSeconds} s`);
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
            ['connections open at the end', open],
            ['connections a second while connecting', (count / ms) * 1000],
            ['resident memory before, MB', megabytes(before.residentBytes)],
            ['resident memory with all, MB', megabytes(after.residentBytes)],
            ['resident memory for each, KB', each(after.residentBytes - before.residentBytes)],
            ['JavaScript heap in use for each, KB', each(after.heapBytes - before.heapBytes)],
            ['processor while idle, % of one', (after.cpuMs - connected.cpuMs) / (idleSeconds * 10)],
          ],
        },
      ],
      plots: [],
      notes: [
        'Each connection has sent an MQTT CONNECT with a token of its tenant and is a session of its own; the clients are a process of their own. The store is in memory too, so each connection’s rows and timers are in the figures. Heap after a full garbage collection.',
        ...(open < count
          ? [
              'Connections that are missing at the end were closed by the gateway after 10 minutes of silence: this machine connects too slowly.',
            ]
          : []),
        ...(count < wanted
          ? [
              `Only ${count.toLocaleString('en-GB')} connections: a process may open ${openFiles()} files here (\`ulimit -n\`).`,
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
