import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { findingLine } from '../../lib/cli/doctor/finding.ts';
import { checkRules, type RuleDeployment } from '../../lib/cli/doctor/rule-checks.ts';
import { run } from '../../lib/cli/program.ts';
import type { Rule, RuleTarget } from '../../lib/core/rules.ts';
import { ruleFailureId } from '../../lib/core/store-ports/rule-records.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
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
    'rules',
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

it('names rules that do not deliver', async () => {
  const tenant = vouchedTenantId('ruled');
  await service.tenant('ruled');
  const { rules, ruleRecords } = service.stores;
  const rule = (name: string, target: RuleTarget, status: Rule['status'] = 'active'): Rule => ({
    name,
    filter: 'a',
    send: { form: 'envelope' },
    target,
    status,
    retryHours: 24,
    createdAtMs: 1,
  });
  const webhook = { kind: 'webhook', url: 'https://example.com/' } as const;
  await rules.put(tenant, rule('calm', webhook), [], 0);
  await rules.put(tenant, rule('failing', webhook), [], 0);
  await rules.put(tenant, rule('paused', webhook, 'paused'), [], 0);
  const key = { tenant, rule: 'failing' };
  await ruleRecords.beginOutage(key, 'p', 7, { code: 'rule-target-status', atMs: 7 });
  const message = {
    id: 'm',
    topic: 'a',
    payload: new Uint8Array(),
    qos: 1,
    retain: false,
    properties: {},
  } as const;
  const record = {
    ...key,
    lane: 'common',
    message,
    publishedAtMs: 1,
    hops: 0,
    failure: 'rule-target-status',
  } as const;
  await ruleRecords.putFailures(key, [{ id: ruleFailureId(record), record, atMs: 7 }]);
  const { exitCode, lines } = await doctor();
  expect(exitCode).toBe(1);
  expect(lines.filter((line) => / rules?[ :]/.test(line))).toEqual([
    expect.stringMatching(
      /^failed +rule failing of ruled: its target fails or is slow \(rule-target-status, /,
    ),
    expect.stringMatching(
      /^failed +rule failing of ruled: messages were given up, .+redrive ruled failing --all/,
    ),
    expect.stringMatching(/^skipped +rule paused of ruled: paused/),
  ]);
  for (const name of ['calm', 'failing', 'paused']) await rules.delete(tenant, name, 1);
});

it('names rules whose target fails, or is out of reach of the deployment', async () => {
  const view = (name: string, target: object, state: object = { circuit: { failures: 0 } }) => ({
    name,
    status: 'active',
    target,
    ...state,
  });
  const lastFailure = { code: 'rule-target-status', at: '2026-11-29T04:00:00.000Z' };
  const queueArn = 'arn:aws:sqs:eu-central-1:111122223333:q';
  const roleArn = 'arn:aws:iam::444455556666:role/r';
  const rules = [
    view('kafka', { kind: 'kafka' }),
    view('queue', { kind: 'sqs', queueArn }),
    view('other', { kind: 'sqs', queueArn: `${queueArn}2` }),
    view('by-role', { kind: 'sqs', queueArn: `${queueArn}2`, roleArn }),
    view('hook', { kind: 'webhook', url: 'https://example.com/' }),
    view('weak', { kind: 'webhook', url: 'https://example.com/' }, { circuit: { failures: 2 }, lastFailure }),
  ];
  const deployment = {
    admin: { list: async () => ({ tenants: [{ name: 'acme' }], more: false }) },
    api: {
      all: async function* () {
        yield* rules;
      },
      call: async () => ({ failures: [] }),
    },
    targets: new Set(['webhook', 'republish', queueArn, roleArn]),
  } as unknown as RuleDeployment;
  const found: string[] = [];
  for await (const finding of checkRules(deployment)) found.push(findingLine(finding));
  expect(found).toEqual([
    expect.stringMatching(/^failed +rule kafka of acme: .+ Deploy with -c kafkaRules=on/),
    expect.stringMatching(/^failed +rule other of acme: .+:q2. Add it to -c ruleTargets/),
    expect.stringMatching(/^failed +rule weak of acme: 2 failed attempts in a row \(rule-target-status, /),
  ]);
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
