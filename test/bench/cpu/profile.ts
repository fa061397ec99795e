import { type Profiler, Session } from 'node:inspector/promises';

const samplingMicroseconds = 250;

/** Returns shares of the CPU time of `work` by place, largest first, without idle time. */
export async function profiled(work: () => Promise<unknown>): Promise<[where: string, share: number][]> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: samplingMicroseconds });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return shares(profile);
}

function shares({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): [string, number][] {
  const whereOf = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const where = whereOf.get(id);
    if (where !== undefined) times.set(where, (times.get(where) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const sum = [...times.values()].reduce((total, time) => total + time, 0);
  return [...times]
    .map(([where, time]): [string, number] => [where, time / sum])
    .sort(([, one], [, other]) => other - one);
}

const places: readonly (readonly [pattern: RegExp, place: string])[] = [
  [/node_modules\/(@aws-sdk|@smithy|@aws-crypto)\//, 'AWS SDK'],
  [/node_modules\/mqtt-packet\//, 'mqtt-packet'],
  [/node_modules\//, 'other packages'],
  [/\/lib\/(\w+)\//, 'Wisp: lib/$1'],
  [/\/functions\//, 'Wisp: functions'],
  [/^node:(internal\/)?(_?http|_?net|_?stream|internal\/streams|dns|events)/, 'Node: HTTP, sockets, streams'],
  [/^node:(internal\/)?(streams|js_stream|stream_base)/, 'Node: HTTP, sockets, streams'],
  [/^node:(internal\/)?crypto/, 'Node: crypto'],
  [/^node:/, 'Node: other'],
];

/** Returns undefined for idle time. */
function placeOf({ url, functionName }: { url: string; functionName: string }): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  for (const [pattern, place] of places) {
    const found = pattern.exec(url);
    if (found !== null) return place.replace('$1', found[1] ?? '');
  }
  if (functionName === '(program)') return 'outside of JavaScript: system calls, event loop';
  return url === '' ? 'native functions' : 'the benchmark itself';
}
