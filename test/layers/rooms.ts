/**
 * `npm run rooms`: counts the files and functions ("rooms") of the service that one operation
 * enters, by V8's precise coverage. `--files` lists them, `--json` prints the counts and lists as
 * JSON.
 */
import { Session } from 'node:inspector/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connectPacket, publish, startMetered } from '../bench/metered.ts';
import { openRaw } from '../support/raw-client.ts';

export interface Rooms {
  /** Names of the functions that were called, by path of the file. */
  readonly [file: string]: readonly string[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The local runtime, clients and tools run in this process too, but are not part of the deployed
 * service.
 */
const notTheService = /^lib\/(local|client|cli|bridge|listeners)\//;

/** Helper that the TypeScript loader adds to each file. */
const loaderHelper = '__name';

/**
 * Publishes in the steady state, where caches and routes are known; connects as the first client of
 * a tenant, so that caches are cold.
 */
async function measureRooms(): Promise<Record<string, Rooms>> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  const metered = await startMetered();
  const mint = await metered.service.tenant('acme');
  const subscriber = await metered.connect(mint, 'subscriber');
  await subscriber.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/b', qos: 1 }] });
  const publisher = await metered.connect(mint, 'publisher');
  await publisher.send(publish('a/b', 0));
  await publisher.send(publish('a/b', 1, 1));
  await subscriber.send({ cmd: 'puback', messageId: 1 });

  async function entered(work: () => Promise<unknown>): Promise<Rooms> {
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
    await session.post('Profiler.takePreciseCoverage');
    await work();
    const { result } = await session.post('Profiler.takePreciseCoverage');
    await session.post('Profiler.stopPreciseCoverage');
    const rooms: Record<string, string[]> = {};
    for (const { url, functions } of result) {
      const file = url.startsWith(`file://${root}`) ? url.slice(`file://${root}`.length).split('?')[0] : '';
      if (file === undefined || !/^(lib|functions)\//.test(file) || notTheService.test(file)) continue;
      const called = functions.filter(
        // A range that starts at 0 is the module itself.
        ({ functionName, ranges: [range] }) =>
          range !== undefined && range.count > 0 && range.startOffset > 0 && functionName !== loaderHelper,
      );
      if (called.length > 0) rooms[file] = called.map(({ functionName }) => functionName || '(anonymous)');
    }
    return Object.fromEntries(Object.entries(rooms).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  const connectOfNewTenant = async (name: string) =>
    await connectPacket(await metered.service.tenant(name), 'client');
  const packets = [await connectOfNewTenant('first'), await connectOfNewTenant('second')] as const;
  const opened = await openRaw(metered.service.url, { version: 5 });
  const measured = {
    'QoS 0 PUBLISH': await entered(() => publisher.send(publish('a/b', 0))),
    'QoS 1 PUBLISH': await entered(() => publisher.send(publish('a/b', 1, 2))),
    'CONNECT, first of its tenant': await entered(() => opened.send(packets[0])),
    'WebSocket handshake and CONNECT': await entered(async () => {
      const client = await openRaw(metered.service.url, { version: 5 });
      await client.send(packets[1]);
    }),
  };
  await metered.close();
  session.disconnect();
  return measured;
}

const { values: options } = parseArgs({
  options: { files: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const measured = await measureRooms();
if (options.json) console.log(JSON.stringify(measured));
else
  for (const [operation, rooms] of Object.entries(measured)) {
    const functions = Object.values(rooms).flat().length;
    console.log(`${operation}: ${Object.keys(rooms).length} files, ${functions} functions`);
    if (options.files)
      for (const [file, names] of Object.entries(rooms)) console.log(`  ${file}: ${names.join(' ')}`);
  }
process.exit();
