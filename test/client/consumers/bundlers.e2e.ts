/**
 * `npm pack -w lib/client`, installed into projects with Vite, Jest, TypeScript in CommonJS and
 * Metro (React Native).
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket from 'ws';
import { startTestService } from '../../support/service.ts';

const root = resolve(import.meta.dirname, '../../..');
const execute = promisify(execFile);
const mqtt = 'mqtt@5.16.0';

let scratch: string;
let tarball: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'wisp-client-consumers-'));
  const { stdout } = await execute(
    'npm',
    ['pack', '-w', 'lib/client', '--silent', '--pack-destination', scratch],
    {
      cwd: root,
    },
  );
  tarball = join(scratch, stdout.trim().split('\n').at(-1) ?? '');
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

interface Project {
  readonly directory: string;
  run(command: string, ...args: string[]): Promise<string>;
}

async function createProject(files: Readonly<Record<string, string>>, packages: string[]): Promise<Project> {
  const directory = await mkdtemp(join(scratch, 'project-'));
  const run = async (command: string, ...args: string[]) => {
    const env = { ...process.env, CI: 'true', NODE_ENV: undefined, VITEST: undefined };
    const { stdout, stderr } = await execute(command, args, { cwd: directory, env });
    return `${stdout}${stderr}`;
  };
  await mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries({ 'package.json': '{ "private": true }', ...files }))
    await writeFile(join(directory, name), content);
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  await run('npm', 'install', ...options, ...packages, tarball);
  return { directory, run };
}

const page = `
import mqtt from 'mqtt';
import Paho from 'paho-mqtt';
import { createWebsocket } from 'wisp-mqtt-client';
import { connect } from 'wisp-mqtt-client/connect';
import { connectPaho } from 'wisp-mqtt-client/paho';
import { useMessages, useRetained, usePublish, WispProvider } from 'wisp-mqtt-client/react';
const url = 'wss://example.com/mqtt';
const options = { tenant: 'demo', getToken: () => 'token' };
globalThis.start = () => mqtt.connect(url, { createWebsocket });
globalThis.keep = () => connect(url, options);
globalThis.keepPaho = () => connectPaho(new Paho.Client(url, 'page'), options);
globalThis.hooks = [useMessages, useRetained, usePublish, WispProvider];
`;

it.concurrent('is bundled by Vite, and found by Jest in CommonJS', async () => {
  const { directory, run } = await createProject(
    {
      'index.html': '<!doctype html><script type="module" src="/main.js"></script>',
      'main.js': page,
      'package.test.js': `
        const { WispWebSocket } = require('wisp-mqtt-client');
        test('is one class in both entry points', () => {
          expect(require('wisp-mqtt-client/node').WispWebSocket).toBe(WispWebSocket);
        });
        test('has a client, hooks and Paho JS', async () => {
          const { connect } = require('wisp-mqtt-client/connect');
          const client = connect('ws://127.0.0.1:9/mqtt', { tenant: 'demo', getToken: () => 'token' });
          await client.endAsync(true);
          expect(typeof require('wisp-mqtt-client/react').useMessages).toBe('function');
          expect(typeof require('wisp-mqtt-client/paho').connectPaho).toBe('function');
        });`,
    },
    ['vite@8.3.8', 'jest@30.5.2', mqtt, 'paho-mqtt@1.1.0', 'react@19', 'ws@8'],
  );
  await run('npx', 'vite', 'build');
  const assets = join(directory, 'dist/assets');
  const [script = ''] = await readdir(assets);
  expect(await readFile(join(assets, script), 'utf8')).toContain('wisp.b64.v1');
  expect(await run('npx', 'jest')).toContain('2 passed');
});

it.concurrent('is found by TypeScript in CommonJS, with and without `exports`', async () => {
  const { directory, run } = await createProject({ 'main.ts': commonJs, 'main.cts': commonJs }, [
    'typescript@5.9',
    mqtt,
    'react@19',
    '@types/react@19',
    '@types/node@20',
    'ws@8',
  ]);
  const flags = ['--strict', '--target', 'es2022', '--types', 'node', '--skipLibCheck', '--esModuleInterop'];
  await run('npx', 'tsc', ...flags, '--module', 'commonjs', '--moduleResolution', 'node', 'main.ts');
  expect(await run('node', join(directory, 'main.js'))).toBe('demo function function function\n');
  await run('npx', 'tsc', ...flags, '--module', 'node16', 'main.cts');
  expect(await run('node', join(directory, 'main.cjs'))).toBe('demo function function function\n');
});

/** Types that cannot be found are `any`, which accepts everything: then the last line compiles. */
const commonJs = `
import { createWebsocket } from 'wisp-mqtt-client';
import { connectStream } from 'wisp-mqtt-client/node';
import { connect, type ConnectOptions } from 'wisp-mqtt-client/connect';
import { connectPaho } from 'wisp-mqtt-client/paho';
import { useMessages } from 'wisp-mqtt-client/react';
const options: ConnectOptions = { tenant: 'demo', getToken: () => 'token' };
const client = connect('ws://127.0.0.1:9/mqtt', options);
client.end(true);
console.log(client.options.username, typeof createWebsocket, typeof connectStream, typeof useMessages);
// @ts-expect-error the client is missing
export const paho = (): void => connectPaho(options);
`;

it.concurrent('is bundled by Metro, and carries messages in React Native', async () => {
  const { directory, run } = await createProject(
    {
      'metro.config.js': `module.exports = require('@react-native/metro-config').getDefaultConfig(__dirname);`,
      'babel.config.js': `module.exports = { presets: ['module:@react-native/babel-preset'] };`,
      // React Native's own URL, which knows less than a browser's.
      'index.js': `
        const { URL, URLSearchParams } = require('react-native/Libraries/Blob/URL');
        Object.assign(globalThis, { URL, URLSearchParams });
        globalThis.adapter = require('./adapter').default;`,
      'adapter.js': `
        import * as adapter from 'wisp-mqtt-client';
        import { connect } from 'wisp-mqtt-client/connect';
        import { useMessages } from 'wisp-mqtt-client/react';
        export default { ...adapter, connect, useMessages };`,
    },
    [
      'metro@0.87.1',
      'react-native@0.88.1',
      '@react-native/metro-config@0.88.1',
      '@react-native/babel-preset@0.88.1',
      '@babel/core@7',
      '@babel/runtime@7',
      mqtt,
    ],
  );
  await run(
    'npx',
    'metro',
    'build',
    'index.js',
    '--out',
    'bundle.js',
    '--platform',
    'ios',
    '--config',
    'metro.config.js',
  );
  const service = await startTestService();
  const mint = await service.tenant('phone');
  // What React Native has: no Buffer, no TextDecoder, and no process but Metro's own.
  const scope: Record<string, unknown> = {
    ...{ WebSocket, setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate },
    ...{
      queueMicrotask,
      TextEncoder,
      AbortController,
      AbortSignal,
      Event,
      EventTarget,
      performance,
      console,
    },
    ...{ navigator: { product: 'ReactNative' }, __fbBatchedBridgeConfig: {} },
    ...{ url: service.url, getToken: () => mint() },
  };
  // As React Native does.
  Object.assign(scope, { global: scope, self: scope, window: scope });
  try {
    const bundle = await readFile(join(directory, 'bundle.js'), 'utf8');
    expect(await runInNewContext(`${bundle};${phone}`, scope)).toBe('up/phone grüße');
    expect(typeof (scope.adapter as Record<string, unknown>).useMessages).toBe('function');
  } finally {
    await (scope.client as MqttClient | undefined)?.endAsync(true);
    await service.close();
  }
});

/** Publishes a message and resolves to the topic and text that come back. */
const phone = `
  client = adapter.connect(url, { tenant: 'phone', getToken, clientId: 'phone' });
  new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('message', (topic, payload) => resolve(topic + ' ' + payload));
    client
      .subscribeAsync('up/#', { qos: 1 })
      .then(() => client.publishAsync('up/phone', 'grüße', { qos: 1 }))
      .catch(reject);
  });
`;
