/** `npm pack -w lib/client`, installed into projects with Vite, Jest and Metro (React Native). */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';

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
import { createWebsocket } from 'wisp-mqtt-client';
globalThis.start = () => mqtt.connect('wss://example.com/mqtt', { createWebsocket });
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
        });`,
    },
    ['vite@8.3.8', 'jest@30.5.2', mqtt, 'ws@8'],
  );
  await run('npx', 'vite', 'build');
  const assets = join(directory, 'dist/assets');
  const [script = ''] = await readdir(assets);
  expect(await readFile(join(assets, script), 'utf8')).toContain('wisp.b64.v1');
  expect(await run('npx', 'jest')).toContain('1 passed');
});

it.concurrent('is bundled by Metro for React Native', async () => {
  const { directory, run } = await createProject(
    {
      'metro.config.js': `module.exports = require('@react-native/metro-config').getDefaultConfig(__dirname);`,
      'babel.config.js': `module.exports = { presets: ['module:@react-native/babel-preset'] };`,
      'index.js': `globalThis.adapter = require('./adapter').default;`,
      'adapter.js': `import * as adapter from 'wisp-mqtt-client'; export default adapter;`,
    },
    [
      'metro@0.87.1',
      'react-native@0.88.1',
      '@react-native/metro-config@0.88.1',
      '@react-native/babel-preset@0.88.1',
      '@babel/core@7',
      '@babel/runtime@7',
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
  const sockets: unknown[][] = [];
  class WebSocket {
    constructor(...args: unknown[]) {
      sockets.push(args);
    }
  }
  const scope: Record<string, unknown> = { WebSocket, setTimeout, clearTimeout, process: { env: {} } };
  scope.global = scope;
  runInNewContext(
    `${await readFile(join(directory, 'bundle.js'), 'utf8')}; new global.adapter.WispWebSocket('wss://example.com/mqtt');`,
    scope,
  );
  expect(sockets).toEqual([['wss://example.com/mqtt', ['wisp.b64.v1'], undefined]]);
});
