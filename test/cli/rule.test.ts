import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  await service.tenant('acme');
  await announce(service, home.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});
beforeEach(() => {
  useHome(home.path);
});

async function wisp(...args: string[]) {
  const terminal = recordingTerminal();
  const exitCode = await run(args, terminal);
  return { exitCode, stdout: terminal.stdout.join('\n'), stderr: terminal.stderr.join('\n') };
}

const rule = (...args: string[]) => wisp('rule', ...args);
const shown = async (name: string) => JSON.parse((await rule('show', 'acme', name, '--json')).stdout);
const arn = (service: string, resource: string) => `arn:aws:${service}:eu-central-1:111122223333:${resource}`;

describe('wisp rule', () => {
  it('adds, lists, shows, pauses, resumes and removes', async () => {
    const where = '{"payload":{"total":[{"numeric":[">",100]}]}}';
    const target = ['--republish', 'copies/<$.levels[1]>', '--qos', '1', '--retain'];
    expect(
      await rule('add', 'acme', 'copy', '--filter', 'orders/+/placed', '--where', where, ...target),
    ).toEqual({
      exitCode: 0,
      stdout: 'Rule copy of tenant acme added in the local service.',
      stderr: '',
    });
    expect((await rule('list', 'acme')).stdout).toBe(
      'copy                      active    republish    orders/+/placed',
    );
    expect(JSON.parse((await rule('list', 'acme', '--json')).stdout)).toMatchObject([
      { name: 'copy', where },
    ]);
    const { stdout } = await rule('show', 'acme', 'copy');
    expect(stdout).toMatch(/^status +active$/m);
    expect(stdout).toMatch(/^target +republish topic="copies\/<\$\.levels\[1\]>" qos=1 retain=true$/m);
    expect(stdout).toMatch(/^circuit +closed$/m);
    expect(stdout).toMatch(/^waiting +0$/m);
    expect(stdout).toMatch(/^last failure +none$/m);

    expect((await rule('pause', 'acme', 'copy')).stdout).toContain('paused; its messages wait');
    expect((await rule('list', 'acme')).stdout).toContain('paused');
    expect((await rule('resume', 'acme', 'copy')).stdout).toContain('resumed');
    expect((await shown('copy')).status).toBe('active');
    expect((await rule('remove', 'acme', 'copy')).stdout).toBe('Rule copy of tenant acme removed.');
    expect(await rule('list', 'acme')).toEqual({ exitCode: 0, stdout: '', stderr: 'no rules' });
    expect(await rule('show', 'acme', 'copy')).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: 'wisp: the tenant has no such rule',
    });
  });

  it('does not change an existing rule without --replace', async () => {
    await rule('add', 'acme', 'twice', '--filter', 'a', '--republish', 'b');
    const again = ['add', 'acme', 'twice', '--filter', 'c', '--republish', 'd'];
    expect(await rule(...again)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has been changed'),
    });
    expect((await rule(...again, '--replace')).stdout).toContain('changed in the local service');
    expect((await shown('twice')).filter).toBe('c');
  });

  it('says what a rule would send', async () => {
    const template = join(home.path, 'template.json');
    await writeFile(template, '{"v": <$.payload.t>}\n');
    await rule('add', 'acme', 'temp', '--filter', 't/#', '--send', `@${template}`, '--republish', 'copy');
    expect((await rule('test', 'acme', 'temp', '--topic', 't/1', '--payload', '{"t":21}')).stdout).toBe(
      'selected: publish to copy at QoS 0\ncontent-type: application/json\n\n{"v":21}',
    );
    expect((await rule('test', 'acme', 'temp', '--topic', 'x')).stdout).toBe(
      'not selected: the filter does not match the topic',
    );
    await rule('add', 'acme', 'to', '--filter', 't/#', '--republish', '<$.payload.to>');
    expect((await rule('test', 'acme', 'to', '--topic', 't/1', '--payload', '{"to":"a/#"}')).stdout).toBe(
      'selected, but it would fail with rule-topic: the template gives no topic name that clients may publish to',
    );
    const binary = join(home.path, 'payload.bin');
    await writeFile(binary, Buffer.from([0xff, 0x00]));
    await rule('add', 'acme', 'raw', '--filter', 'r', '--send', 'payload', '--republish', 'copy');
    const { stdout } = await rule('test', 'acme', 'raw', '--topic', 'r', '--payload-file', binary);
    expect(stdout).toContain('in base64)\n\n/wA=');
  });
});

describe('secrets of rules', () => {
  const path = () => join(home.path, 'keys', 'rules', 'acme.hook.secret');

  it('are created on this machine, rotated, and never printed', async () => {
    const add = ['add', 'acme', 'hook', '--filter', 'devices/#', '--webhook', 'https://example.com/in'];
    const added = await rule(...add);
    expect(added.stdout).toContain(`Signing secret, which the receiver needs: ${path()}`);
    expect((await stat(path())).mode & 0o777).toBe(0o600);
    const first = (await readFile(path(), 'utf8')).trim();
    expect(first).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await shown('hook')).toMatchObject({ status: 'active', secret: { hasPrevious: false } });

    const rotated = await rule('secret', 'acme', 'hook');
    expect(rotated.stderr).toContain('--end-previous');
    const second = (await readFile(path(), 'utf8')).trim();
    expect(second).not.toBe(first);
    expect((await readFile(`${path()}.previous`, 'utf8')).trim()).toBe(first);
    expect((await shown('hook')).secret.hasPrevious).toBe(true);
    expect((await rule('secret', 'acme', 'hook', '--end-previous')).exitCode).toBe(0);
    expect((await shown('hook')).secret.hasPrevious).toBe(false);
    const everything = JSON.stringify([added, rotated, await rule('show', 'acme', 'hook')]);
    expect(everything + service.logged.join('')).not.toContain('whsec_');
  });

  it('come from a file', async () => {
    const file = join(home.path, 'given');
    await writeFile(file, `whsec_${Buffer.alloc(32, 7).toString('base64')}\n`);
    const add = ['add', 'acme', 'given', '--filter', 'g', '--webhook', 'https://example.com/in'];
    expect((await rule(...add, '--secret-file', file)).stdout).not.toContain('Signing secret');
    expect((await shown('given')).secret.since).toEqual(expect.any(String));
    await writeFile(file, 'not a secret');
    expect(await rule('secret', 'acme', 'given', '--secret-file', file)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('expected whsec_'),
    });
  });
});

describe('the flags of targets', () => {
  it.each([
    [['--sqs', arn('sqs', 'q')], { kind: 'sqs', queueArn: arn('sqs', 'q') }],
    [['--sns', arn('sns', 't')], { kind: 'sns' }],
    [
      ['--eventbridge', arn('events', 'event-bus/b'), '--detail-type', 'T'],
      { kind: 'eventbridge', source: 'wisp.rules', detailType: 'T' },
    ],
    [['--kinesis', arn('kinesis', 'stream/s')], { kind: 'kinesis' }],
    [['--firehose', arn('firehose', 'deliverystream/s')], { kind: 'firehose' }],
    [['--lambda', arn('lambda', 'function:f')], { kind: 'lambda', functionArn: arn('lambda', 'function:f') }],
    [['--lambda', './handler.mjs'], { functionArn: join(process.cwd(), 'handler.mjs') }],
    [
      ['--dynamodb', arn('dynamodb', 'table/tab'), '--role', 'arn:aws:iam::111122223333:role/r'],
      { kind: 'dynamodb', roleArn: 'arn:aws:iam::111122223333:role/r' },
    ],
    [
      ['--kafka', 'a.example:9092,b.example:9092', '--kafka-topic', 'in', '--no-tls'],
      { kind: 'kafka', brokers: ['a.example:9092', 'b.example:9092'], tls: false, auth: { method: 'none' } },
    ],
    [
      [
        '--kafka',
        'b.c2.kafka.eu-central-1.amazonaws.com:9098',
        '--kafka-topic',
        'in',
        '--kafka-iam',
        'eu-central-1',
      ],
      { tls: true, auth: { method: 'iam', region: 'eu-central-1' } },
    ],
    [
      ['--webhook', 'https://example.com/', '--header', 'X-Site: north', '--header', 'X-A:b'],
      { kind: 'webhook', headers: { 'X-Site': 'north', 'X-A': 'b' } },
    ],
  ])('%j', async (flags, target) => {
    expect(
      await rule('add', 'acme', 'target', '--filter', 't', ...flags, '--replace', '--paused'),
    ).toMatchObject({
      exitCode: 0,
    });
    expect((await shown('target')).target).toMatchObject(target);
  });

  it.each([
    [[], 'name the target with one of --webhook, --sqs'],
    [['--sns', arn('sns', 't'), '--sqs', arn('sqs', 'q')], 'a rule has one target, not --sqs, --sns'],
    [['--sqs', arn('sqs', 'q'), '--retain'], '--retain does not belong to --sqs'],
    [['--republish', 'a', '--no-tls'], '--no-tls does not belong to --republish'],
    [['--republish', 'a', '--qos', '3'], '0, 1 or 2.'],
    [['--kafka', 'a:1'], '--kafka needs --kafka-topic'],
    [['--kafka', 'a:1', '--kafka-topic', 't', '--kafka-user', 'u'], 'needs --secret-file'],
    [['--webhook', 'https://example.com', '--header', 'nothing'], "--header takes 'NAME: VALUE'"],
    [['--republish', 'a', '--secret-file', 'x'], '--secret-file belongs to'],
  ])('%j is refused in one line', async (flags, message) => {
    const { exitCode, stdout, stderr } = await rule('add', 'acme', 'refused', '--filter', 't', ...flags);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it.each([
    [['--filter', 'a#', '--republish', 'b'], 'the filter of the rule is not valid'],
    [['--filter', 'a', '--where', '{"topic":', '--republish', 'b'], 'where: topic (line 1, column 10)'],
    [['--filter', 'a', '--send', '{"a": <$.nothing', '--republish', 'b'], 'template'],
    [['--filter', 'a', '--sqs', 'arn:aws:sqs:::'], 'target.queueArn: expected the ARN of an SQS queue'],
    [
      ['--filter', 'a', '--republish', 'b', '--retry-hours', '97'],
      'retryHours: expected a whole number, 1 to 96',
    ],
  ])('%j is refused by the service, with the place', async (flags, message) => {
    const { exitCode, stderr } = await rule('add', 'acme', 'refused', ...flags);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
    expect(stderr.split('\n')).toHaveLength(1);
  });
});

describe('wisp rule failures and redrive', () => {
  it('an empty list is reported on standard error', async () => {
    await rule('add', 'acme', 'healthy', '--filter', 'h', '--republish', 'copy');
    expect(await rule('failures', 'acme', 'healthy')).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: 'no failures',
    });
    expect((await rule('redrive', 'acme', 'healthy', '--all')).stdout).toBe('0 messages are sent again.');
    expect(await rule('redrive', 'acme', 'healthy')).toMatchObject({ exitCode: 2 });
    expect(await rule('redrive', 'acme', 'healthy', 'id', '--all')).toMatchObject({ exitCode: 2 });
  });
});
