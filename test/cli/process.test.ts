import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildCommands } from '../../build/command.ts';
import { readLocalStates } from '../../lib/local/operator/local-state.ts';
import { lacks, requireTool } from '../support/tools.ts';
import { temporaryDirectory } from './service.ts';

/** Inside the project, because the bundles load dependencies from its node_modules. */
const dist = fileURLToPath(new URL(`../../node_modules/.cache/wisp-test-${process.pid}`, import.meta.url));
const anyPorts = [
  '--port',
  '0',
  '--mqtt-port',
  '0',
  '--tls-port',
  '0',
  '--ws-port',
  '0',
  '--admin-port',
  '0',
];
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
const children = new Set<ChildProcess>();

beforeAll(async () => {
  home = await temporaryDirectory();
  await buildCommands(dist);
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await home.remove();
  await rm(dist, { recursive: true, force: true });
});

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(dist, 'wisp.js'), ...args], {
    env: { ...process.env, WISP_HOME: home.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

async function finished(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [exitCode] = await once(child, 'close');
  return { exitCode, stdout, stderr };
}

const wisp = (...args: string[]) => finished(start(...args));

/** Reads up to the first matching line. @returns all lines read. */
async function line(child: ChildProcess, pattern: RegExp): Promise<string[]> {
  if (child.stdout === null) throw new Error('no standard output');
  const lines: string[] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    lines.push(text.trim());
    if (pattern.test(text)) return lines;
  }
  throw new Error(`the process ended without a line like ${pattern}`);
}

describe('the built command', () => {
  it('is executable and tells its version', async () => {
    expect((await stat(join(dist, 'wisp.js'))).mode & 0o111).toBe(0o111);
    expect(await readFile(join(dist, 'wisp.js'), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(await wisp('--version')).toEqual({ exitCode: 0, stdout: '0.1.0\n', stderr: '' });
  });

  it('a second build leaves no chunk of the first behind', async () => {
    const stale = join(dist, 'wisp', 'stale-OLD.js');
    await writeFile(stale, '');
    await buildCommands(dist);
    await expect(stat(stale)).rejects.toThrow('ENOENT');
  });

  it('runs the service, creates tenants and tokens in other processes, and ends cleanly', async () => {
    const service = start('start', ...anyPorts);
    const end = once(service, 'exit');
    await line(service, /Wisp is running/);
    expect(await readLocalStates(home.path)).toMatchObject([{ pid: service.pid }]);

    const created = await wisp('tenant', 'create', 'acme');
    expect(created).toMatchObject({ exitCode: 0, stderr: '' });
    expect(created.stdout).toMatch(
      /^ {2}mosquitto_sub -p \d+ -u acme -P "\$\((?:npx )?wisp token acme\)" -t '#' -v$/m,
    );
    expect((await wisp('tenant', 'list')).stdout).toMatch(/^acme .*\ndemo .*\n$/);
    const token = await wisp('token', 'acme');
    expect(token).toMatchObject({ exitCode: 0, stderr: '' });
    expect(token.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);

    service.kill('SIGINT');
    expect(await end).toEqual([0, null]);
    expect(await readLocalStates(home.path)).toEqual([]);
    expect(await wisp('tenant', 'list')).toMatchObject({ exitCode: 1, stdout: '' });
  });

  it('bridges until it is asked to stop', async () => {
    const bridge = start('bridge', '--url', 'ws://127.0.0.1:1/mqtt', '--mqtt-port', '0');
    const end = once(bridge, 'exit');
    await line(bridge, /mqtt:\/\/127\.0\.0\.1:\d+/);
    bridge.kill('SIGTERM');
    expect(await end).toEqual([0, null]);
  });

  const lacksMosquitto = lacks('mosquitto_pub', 'mosquitto_sub');
  it.skipIf(lacksMosquitto)('prints lines that work when pasted', async () => {
    for (const tool of ['mosquitto_pub', 'mosquitto_sub'] as const) requireTool(tool);
    const service = start('start', ...anyPorts);
    const end = once(service, 'exit');
    const printed = await line(service, /^ +node /);
    const [token = '', subscribe = '', publish = '', secure = '', mqttJs = ''] = printed.filter((text) =>
      /^(export|mosquitto_|node) ?/.test(text),
    );
    const shell = spawn(
      'sh',
      ['-c', `${token}\n${publish} -r\n${subscribe} -C 1 -W 10\n${secure} -C 1 -W 10\nexec ${mqttJs}`],
      {
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    children.add(shell);
    const received: string[] = [];
    for await (const text of createInterface({ input: shell.stdout })) {
      received.push(text);
      if (received.length === 3) break;
    }
    expect(received).toEqual(Array(3).fill('hello/world hi'));
    shell.kill();
    service.kill('SIGINT');
    expect(await end).toEqual([0, null]);
  });

  it('ends cleanly on SIGTERM too', async () => {
    const service = start('start', ...anyPorts);
    const end = once(service, 'exit');
    await line(service, /Wisp is running/);
    service.kill('SIGTERM');
    expect(await end).toEqual([0, null]);
  });

  it('treats a Ctrl-C that arrives twice as one', async () => {
    const service = start('start', ...anyPorts);
    const end = once(service, 'exit');
    await line(service, /Wisp is running/);
    service.kill('SIGINT');
    service.kill('SIGINT');
    expect(await end).toEqual([0, null]);
  });

  it('under npm it ends with the shell between npm and itself', async () => {
    const command = `"${process.execPath}" "${join(dist, 'wisp.js')}" start ${anyPorts.join(' ')}; exit`;
    const shell = spawn('sh', ['-c', command], {
      env: { ...process.env, WISP_HOME: home.path, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // The service holds the pipe too, so it closes when both have ended.
    const closed = once(shell, 'close');
    await line(shell, /Wisp is running/);
    shell.stdout.resume();
    shell.kill('SIGTERM');
    await closed;
    expect(await readLocalStates(home.path)).toEqual([]);
  });

  it.each(['--port', '--mqtt-port', '--tls-port', '--ws-port', '--admin-port'])(
    'names the port that is in use, and %s',
    async (flag) => {
      const occupant = createServer().listen(0, '127.0.0.1');
      await once(occupant, 'listening');
      const { port } = occupant.address() as AddressInfo;
      const { exitCode, stdout, stderr } = await wisp('start', ...anyPorts, flag, String(port));
      occupant.close();
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toBe(
        `wisp: port ${port} is in use; choose another one with ${flag} (0 picks a free one)\n`,
      );
    },
  );

  it.each([
    ['--host', 'nowhere.invalid', 'nowhere.invalid is not an address of this machine; see --host'],
    ['--host', '203.0.113.1', '203.0.113.1 is not an address of this machine; see --host'],
    ['--data', 'package.json', 'package.json cannot be used as a directory; see --data'],
  ])('says what is wrong with %s %s', async (flag, value, message) => {
    const result = await wisp('start', ...anyPorts, flag, value);
    expect(result).toEqual({ exitCode: 1, stdout: '', stderr: `wisp: ${message}\n` });
  });
});
