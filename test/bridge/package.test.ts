import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildBridge } from '../../build/bridge.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
let directory: string;
const inApp = (...path: string[]): string => join(directory, ...path);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wisp-bridge-app-'));
  await mkdir(inApp('node_modules/wisp-mqtt'), { recursive: true });
  await cp(join(root, 'package.json'), inApp('node_modules/wisp-mqtt/package.json'));
  for (const name of ['ws', '@types', 'undici-types'])
    await symlink(join(root, 'node_modules', name), inApp('node_modules', name));
  await writeFile(inApp('package.json'), '{ "type": "module" }');
  await buildBridge(inApp('node_modules/wisp-mqtt/dist/bridge'));
}, 120_000);
afterAll(() => rm(directory, { recursive: true }));

describe('wisp-mqtt/bridge in another program', () => {
  it('listens and closes', async () => {
    await writeFile(
      inApp('app.js'),
      `import { startBridge } from 'wisp-mqtt/bridge';
       const bridge = await startBridge({ upstreamUrl: 'ws://127.0.0.1:1/mqtt', mqttPort: 0 });
       console.log(typeof bridge.mqttPort);
       await bridge.close();`,
    );
    expect(await run(process.execPath, [inApp('app.js')])).toMatchObject({ stdout: 'number\n', stderr: '' });
  });

  it('declares its types for strict TypeScript', async () => {
    await writeFile(
      inApp('typed.ts'),
      `import { type Bridge, type BridgeOptions, readCertificates, startBridge } from 'wisp-mqtt/bridge';
       const tls = await readCertificates({ key: 'server.key', cert: 'server.pem' });
       const options: BridgeOptions = {
         upstreamUrl: 'wss://example.com/mqtt',
         tls: { ...tls, port: 8883 },
         log: ({ event, transport }) => console.log(event, transport),
       };
       const bridge: Bridge = await startBridge(options);
       // @ts-expect-error: no such option
       const unknown: BridgeOptions = { upstreamUrl: '', port: 1 };
       export { bridge, unknown };`,
    );
    const load = createRequire(import.meta.url);
    const compiler = join(dirname(load.resolve('typescript/package.json')), 'bin/tsc');
    const options = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--lib', 'ES2023'];
    const modules = ['--target', 'ES2022', '--module', 'NodeNext', '--types', 'node'];
    await run(process.execPath, [compiler, ...options, ...modules, 'typed.ts'], { cwd: directory }).catch(
      ({ stdout }: { stdout: string }) => expect.fail(stdout),
    );
  }, 120_000);
});
