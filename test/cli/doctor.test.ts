import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  await announce(service, home.path);
  useHome(home.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});

async function doctor(...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(['doctor', ...args], terminal);
  return { exitCode, lines: terminal.stdout, stderr: terminal.stderr.join('\n') };
}

it('uses the service and finds it well', async () => {
  const { exitCode, lines, stderr } = await doctor();
  expect(stderr).toBe('');
  expect(lines.map((line) => /^ok +([^:]+):/.exec(line)?.[1])).toEqual([
    'outputs',
    'table of tenants',
    'handshake and CONNECT',
    'answers on $default',
    'push to a connection',
    'frames without an answer (oneway)',
    'admin API',
    'timers',
  ]);
  expect(exitCode).toBe(0);
});

it('says in one line what fails and what to do', async () => {
  const { exitCode, lines, stderr } = await doctor('--url', 'ws://127.0.0.1:1/mqtt');
  expect(exitCode).toBe(1);
  expect(lines.find((line) => line.startsWith('failed'))).toMatch(
    /^failed {3}handshake and CONNECT: [^\n]+\. Check that the URL is that of this deployment/,
  );
  expect(stderr).toBe('wisp: 1 checks failed: handshake and CONNECT');
});
