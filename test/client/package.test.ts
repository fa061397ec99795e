/**
 * The package `wisp-mqtt-client`, packed and installed without network into a project of its own.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildClient } from '../../build/client.ts';

const root = resolve(import.meta.dirname, '../..');
const execute = promisify(execFile);

let scratch: string;
let consumer: string;
let packedFiles: string[];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wisp-client-package-'));
  consumer = join(scratch, 'consumer');
  const source = join(scratch, 'package');
  await mkdir(source);
  await mkdir(consumer);
  for (const name of ['package.json', 'README.md'])
    await copyFile(join(root, 'lib/client', name), join(source, name));
  await buildClient(source);
  const { stdout } = await execute(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch],
    {
      cwd: source,
    },
  );
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  packedFiles = (packed?.files ?? []).map(({ path }) => path).sort();
  await writeFile(join(consumer, 'package.json'), JSON.stringify({ name: 'consumer', private: true }));
  await execute(
    'npm',
    ['install', '--offline', '--no-audit', '--no-fund', join(scratch, packed?.filename ?? '')],
    {
      cwd: consumer,
    },
  );
  for (const name of ['mqtt', 'ws', 'react', '@types/react', '@types/node', 'csstype', 'undici-types']) {
    await mkdir(join(consumer, 'node_modules', name, '..'), { recursive: true });
    await symlink(join(root, 'node_modules', name), join(consumer, 'node_modules', name));
  }
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

async function installed(path: string): Promise<string> {
  return readFile(join(consumer, 'node_modules/wisp-mqtt-client', path), 'utf8');
}

async function run(...args: string[]): Promise<string> {
  return (await execute(process.execPath, args, { cwd: consumer })).stdout.trim();
}

describe('the package wisp-mqtt-client', () => {
  it('consists of a few files', () => {
    expect(packedFiles).toEqual([
      'LICENSE',
      'README.md',
      'dist/connect-node.cjs',
      'dist/connect-node.d.cts',
      'dist/connect-node.d.ts',
      'dist/connect-node.js',
      'dist/connect.cjs',
      'dist/connect.d.cts',
      'dist/connect.d.ts',
      'dist/connect.js',
      'dist/index.cjs',
      'dist/index.d.cts',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/node.cjs',
      'dist/node.d.cts',
      'dist/node.d.ts',
      'dist/node.js',
      'dist/paho.cjs',
      'dist/paho.d.cts',
      'dist/paho.d.ts',
      'dist/paho.js',
      'dist/react.cjs',
      'dist/react.d.cts',
      'dist/react.d.ts',
      'dist/react.js',
      'package.json',
    ]);
  });

  it('installs nothing but itself and has the version of the service', async () => {
    const lock = JSON.parse(await readFile(join(consumer, 'package-lock.json'), 'utf8'));
    expect(Object.keys(lock.packages)).toEqual(['', 'node_modules/wisp-mqtt-client']);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(JSON.parse(await installed('package.json')).version).toBe(version);
  });

  // The bound was 3,000 bytes before SUBACK first and the cutting of frames, and 3,100 before
  // acknowledgements in one-way frames with their pause, 3,350 before a keep-alive of its own, and
  // 3,500 before errors that name the entry for Node and the option of MQTT.js, 3,550 before a
  // bridge's close with its reason and the warning of headers, and 3,600 before DISCONNECT 0x95 for
  // a packet that is too large.
  it('has at most 3,650 bytes, gzipped', async () => {
    expect(gzipSync(await installed('dist/index.js'), { level: 9 }).length).toBeLessThanOrEqual(3_650);
  });

  it.each(['index.js', 'index.cjs'])(
    'imports nothing and uses nothing that browsers or React Native lack: %s',
    async (name) => {
      const code = await installed(`dist/${name}`);
      expect(code).not.toMatch(/\bimport\b|\brequire\(/);
      expect(code).not.toMatch(/\b(Buffer|atob|btoa|EventTarget|process|TextDecoder|queueMicrotask)\b/);
      expect(code).not.toMatch(/new (Event|MessageEvent|CloseEvent)\b/);
    },
  );

  it.each(['connect.js', 'connect.cjs'])(
    'imports MQTT.js and the adapter alone, and is small: %s',
    async (name) => {
      const code = await installed(`dist/${name}`);
      const extension = name.endsWith('.cjs') ? 'cjs' : 'js';
      const specifiers = [...code.matchAll(/(?:\bfrom|\brequire\()\s*"([^"]+)"/g)].map(([, from]) => from);
      expect(new Set(specifiers)).toEqual(new Set(['mqtt', `./index.${extension}`]));
      expect(code).not.toMatch(/\b(Buffer|atob|btoa|process|TextDecoder|queueMicrotask)\b/);
      expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(3_000);
    },
  );

  it.each(['paho.js', 'paho.cjs'])('imports the adapter alone, and is small: %s', async (name) => {
    const code = await installed(`dist/${name}`);
    const extension = name.endsWith('.cjs') ? 'cjs' : 'js';
    const specifiers = [...code.matchAll(/(?:\bfrom|\brequire\()\s*"([^"]+)"/g)].map(([, from]) => from);
    expect(new Set(specifiers)).toEqual(new Set([`./index.${extension}`]));
    expect(code).not.toMatch(/\b(Buffer|atob|btoa|process|TextDecoder|queueMicrotask)\b/);
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(2_650);
  });

  it.each(['react.js', 'react.cjs'])('imports React alone, and is small: %s', async (name) => {
    const code = await installed(`dist/${name}`);
    const specifiers = [...code.matchAll(/(?:\bfrom|\brequire\()\s*"([^"]+)"/g)].map(([, from]) => from);
    expect(new Set(specifiers)).toEqual(new Set(['react']));
    expect(code).not.toMatch(/\b(Buffer|atob|btoa|process|TextDecoder|queueMicrotask)\b/);
    expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(2_100);
  });

  it('chooses the form of `connect` by the platform', async () => {
    const print = (condition: string) =>
      run(
        `--conditions=${condition}`,
        '--input-type=module',
        '--eval',
        "console.log(import.meta.resolve('wisp-mqtt-client/connect').split('/').pop())",
      );
    expect(await print('node')).toBe('connect-node.js');
    const { exports } = JSON.parse(await installed('package.json'));
    expect(Object.keys(exports['./connect'])).toEqual(['node', 'import', 'require']);
  });

  it.each(['index.d.ts', 'index.d.cts', 'node.d.ts', 'node.d.cts'])(
    'has self-contained types in %s',
    async (name) => {
      const types = await installed(`dist/${name}`);
      const specifiers = [...types.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(
        ([, specifier]) => specifier,
      );
      const index = name.endsWith('.cts') ? './index.cjs' : './index.js';
      expect(new Set(specifiers)).toEqual(new Set(name.startsWith('node') ? [index, 'node:stream'] : []));
    },
  );

  it('exports the same from ES modules and CommonJS, one class in both entry points', async () => {
    const print =
      '[Object.keys(index).sort(), Object.keys(node).sort(), index.WispWebSocket === node.WispWebSocket]';
    const module = `
      import * as index from 'wisp-mqtt-client';
      import * as node from 'wisp-mqtt-client/node';
      console.log(JSON.stringify(${print}));`;
    const script = `
      const index = require('wisp-mqtt-client');
      const node = require('wisp-mqtt-client/node');
      console.log(JSON.stringify(${print}));`;
    const exports = ['WispWebSocket', 'createWebsocket', 'installGlobal', 'subprotocol', 'websocketFactory'];
    const expected = JSON.stringify([exports, [...exports, 'connectStream', 'streamBuilder'].sort(), true]);
    expect(await run('--input-type=module', '--eval', module)).toBe(expected);
    expect(await run('--input-type=commonjs', '--eval', script)).toBe(expected);
  });

  it('connects by `connect` of ES modules and CommonJS', async () => {
    const use = `
      const client = connect('ws://127.0.0.1:9/mqtt', { tenant: 'demo', getToken: () => 'token' });
      client.end(true);
      console.log(client.options.username);`;
    const module = `import { connect } from 'wisp-mqtt-client/connect';${use}`;
    const script = `const { connect } = require('wisp-mqtt-client/connect');${use}`;
    expect(await run('--input-type=module', '--eval', module)).toBe('demo');
    expect(await run('--input-type=commonjs', '--eval', script)).toBe('demo');
  });

  it.each([
    ['node16', 'node16', ['program.mts', 'program.cts']],
    ['esnext', 'bundler', ['program.mts']],
  ])('compiles with module %s, resolution %s: %s', async (module, moduleResolution, names) => {
    for (const name of names) await writeFile(join(consumer, name), program);
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--target', 'es2022', '--types', 'node'];
    const flags = ['--module', module, '--moduleResolution', moduleResolution, '--skipLibCheck', 'false'];
    await run(join(root, 'node_modules/typescript/bin/tsc'), ...options, ...flags, ...names);
  });
});

/**
 * Types that cannot be found are `any`, which accepts everything: then the last lines do not
 * compile.
 */
const program = `
import { createWebsocket, installGlobal, websocketFactory, WispWebSocket } from 'wisp-mqtt-client';
import * as node from 'wisp-mqtt-client/node';
import { connect as connectForGood } from 'wisp-mqtt-client/connect';
import { useMessages, usePublish, useRetained, WispProvider } from 'wisp-mqtt-client/react';
import { connectPaho } from 'wisp-mqtt-client/paho';
import { connect, MqttClient } from 'mqtt';
connectPaho({ connect() {}, disconnect() {}, isConnected: () => true }, {
  tenant: 'demo', getToken: () => 'token', onSuccess: ({ sessionPresent }) => !sessionPresent,
});
const kept: MqttClient = connectForGood('wss://example.com/mqtt', {
  tenant: 'demo', getToken: async (reason) => (reason === 'refused' ? 'fresh' : 'cached'), keepalive: 300,
});
kept.publish('a', 'b');
WispProvider({ client: kept });
const texts: string[] = useMessages('a/#', { maxMessages: 10 }).map(({ text }) => text);
const nothing: void = useMessages('a', { qos: 1, onMessage: ({ payload }) => payload.length });
const last: string | undefined = useRetained('a/b').get('a/b')?.text;
const published: Promise<void> = usePublish()('a', 'b', { qos: 1 });
// @ts-expect-error there is no such option
useMessages('a', { limit: 10 });
// @ts-expect-error getToken gives the password
connectForGood('wss://example.com/mqtt', { tenant: 'demo', getToken: () => 'token', password: 'token' });
connect('wss://example.com/mqtt', { username: 'demo', createWebsocket });
connect('wss://example.com/mqtt', { createWebsocket: websocketFactory({ replyTimeoutMs: 1_000 }) });
connect('wss://example.com/mqtt', { createWebsocket: node.createWebsocket, forceNativeWebSocket: true });
new MqttClient(node.streamBuilder('wss://example.com/mqtt'), { clientId: 'sensor-7' });
installGlobal({ urls: ['wss://example.com/mqtt'] })();
const socket: WispWebSocket = new node.WispWebSocket('wss://example.com/mqtt');
socket.onmessage = ({ data }) => data;
// @ts-expect-error there is no such option
websocketFactory({ replyTimeout: 1_000 });
// @ts-expect-error URLs are missing
installGlobal({});
`;
