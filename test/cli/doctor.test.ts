import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
    'keys of issuers',
    'handshake',
    'CONNECT',
    'answers on $default',
    'push to a connection',
    'frames without an answer (oneway)',
    'fan-out queue',
    'admin API',
    'timers',
  ]);
  expect(exitCode).toBe(0);
});

it('says in one line what fails and what to do', async () => {
  const { exitCode, lines, stderr } = await doctor('--url', 'ws://127.0.0.1:1/mqtt');
  expect(exitCode).toBe(1);
  expect(lines.find((line) => line.startsWith('failed'))).toMatch(
    /^failed {3}handshake: [^\n]+\. Check that the URL is that of this deployment/,
  );
  expect(stderr).toBe('wisp: 1 checks failed: handshake');
});

it('uses the route of one-way frames once, and a slice of the fan-out queue', async () => {
  const oneWay = () => service.gateway.meters.invocations.oneway ?? 0;
  const slices = () => service.queues.meters('wisp-fanout.fifo').invocations;
  const before = { oneWay: oneWay(), slices: slices() };
  await doctor();
  expect(oneWay() - before.oneWay).toBe(1);
  expect(slices()).toBeGreaterThan(before.slices);
});

it('names issuers whose keys cannot be fetched', async () => {
  const url = 'https://127.0.0.1:1/keys';
  await service.tenant('federated', {
    issuers: [{ iss: 'https://127.0.0.1:1', keys: { kind: 'jwks-url', url } }],
  });
  const { exitCode, lines } = await doctor();
  expect(exitCode).toBe(1);
  expect(lines.find((line) => line.startsWith('failed'))).toMatch(
    /^failed {3}keys at https:\/\/127\.0\.0\.1:1\/keys \(federated\): .+ Tokens of this issuer are refused/,
  );
});

it('measures what AWS does not document, and writes it without ids', async () => {
  const file = join(home.path, 'facts.json');
  await doctor('--measure', file, '--measure-wait', '1s');
  const text = await readFile(file, 'utf8');
  const { measurements, on } = JSON.parse(text);
  expect(on).toBe('local service');
  const failed = Object.entries(measurements).filter(([, found]) => Object.hasOwn(found as object, 'failed'));
  expect(failed).toEqual([]);
  expect(measurements).toMatchObject({
    roundTripMs: { result: { samples: 50 } },
    orderOfPosts: { result: { posts: 50, inversions: 0 } },
    oddFrames: { result: { binary: { close: { code: 1003 } } } },
    largePosts: { result: { answers: expect.arrayContaining([expect.objectContaining({ status: 413 })]) } },
    deleted: { result: { status: 204 } },
    idle: { leftOut: 'needs --measure-wait 11m' },
    emptyReply: { leftOut: expect.any(String) },
  });
  expect(text).not.toMatch(/"connectionId\\":\s*\\"[^…]|doctor-[0-9a-f]{8}|eyJ/);
}, 120_000);
