import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let other: Mint;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  await announce(service, home.path);
  other = await service.tenant('other');
  useHome(home.path);
  await run(['tenant', 'create', 'acme'], recordingTerminal());
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});
beforeEach(() => useHome(home.path));

/** Starts a command. */
function start(...args: string[]) {
  const terminal = recordingTerminal();
  const ended = run(args, terminal).then((exitCode) => ({
    exitCode,
    stdout: terminal.stdout.join('\n'),
    stderr: terminal.stderr.join('\n'),
  }));
  return { terminal, ended };
}

const wisp = (...args: string[]) => start(...args).ended;
const publish = (topic: string, payload: string, ...flags: string[]) =>
  wisp('pub', 'acme', topic, payload, ...flags);

/** Waits until the tenant has a subscriber of this topic. */
async function subscriberOf(topic: string, tenant = 'acme'): Promise<void> {
  await vi.waitFor(
    async () => {
      const { stdout } = await wisp('subscribers', tenant, topic, '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ online: true }]);
    },
    { timeout: 10_000 },
  );
}

describe('wisp sub', () => {
  it.each(['4', '5'])('prints messages with MQTT protocol %s until --count', async (protocol) => {
    const filters = [`p${protocol}/+`, `$share/group/q${protocol}`];
    const { ended } = start('sub', 'acme', ...filters, '--count', '2', '--protocol', protocol, '--qos', '1');
    await subscriberOf(`p${protocol}/1`);
    await subscriberOf(`q${protocol}`);
    await publish(`p${protocol}/1`, 'one', '--qos', '1');
    await publish(`q${protocol}`, 'two', '--qos', '1');
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: `p${protocol}/1 one\nq${protocol} two` });
    expect(stderr).toBe('Connected.');
  });

  it('lets no message forge another line or reach the terminal with control characters', async () => {
    const { ended } = start('sub', 'acme', 'forged/#', '--count', '1');
    await subscriberOf('forged/a');
    await publish('forged/\u001b[2J', 'on\nforged/alarm off\r\u202e');
    expect((await ended).stdout).toBe('forged/\\u001b[2J on\\u000aforged/alarm off\\u000d\\u202e');
  });

  it('prints JSON with properties, and binary payloads as base64', async () => {
    const client = await service.connect(other, { clientId: 'publisher' });
    const { ended } = start('sub', 'other', 'j/#', '--count', '2', '--json', '--token', await other());
    await subscriberOf('j/1', 'other');
    const properties = {
      contentType: 'text/plain',
      userProperties: { a: 'b' },
      correlationData: Buffer.from([1]),
    };
    await client.publishAsync('j/1', 'tex\nt', { qos: 1, properties });
    await client.publishAsync('j/2', Buffer.from([0xff]), { qos: 1 });
    const { stdout } = await ended;
    expect(stdout.split('\n').map((line) => JSON.parse(line))).toEqual([
      {
        ...{ topic: 'j/1', payload: 'tex\nt', encoding: 'utf8', qos: 0, retain: false },
        ...{ contentType: 'text/plain', userProperties: { a: 'b' }, correlationData: 'AQ==' },
      },
      { topic: 'j/2', payload: '/w==', encoding: 'base64', qos: 0, retain: false },
    ]);
  });

  it.each(['4', '5'])('leaves retained messages out with --no-retained (protocol %s)', async (protocol) => {
    await publish('kept/a', 'old', '--retain');
    expect((await wisp('sub', 'acme', 'kept/a', '--count', '1')).stdout).toBe('kept/a old');
    const { ended } = start('sub', 'acme', 'kept/#', '--count', '1', '--no-retained', '--protocol', protocol);
    await subscriberOf('kept/a');
    await publish('kept/a', 'new');
    expect((await ended).stdout).toBe('kept/a new');
  });

  it('connects and subscribes again after its connection is lost', async () => {
    const { terminal, ended } = start('sub', 'acme', 'again', '--count', '1', '--client-id', 'again');
    await subscriberOf('again');
    await wisp('client', 'disconnect', 'acme', 'again');
    await vi.waitFor(() => expect(terminal.stderr.at(-1)).toBe('Connected again.'), { timeout: 10_000 });
    await subscriberOf('again');
    await publish('again', 'hello');
    expect((await ended).stdout).toBe('again hello');
    expect(terminal.stderr[1]).toMatch(/^Connection lost \(.+\); connecting again …$/);
  });

  it('ends at SIGINT, and its subscription with it', async () => {
    const { terminal, ended } = start('sub', 'acme', 'brief');
    await subscriberOf('brief');
    process.emit('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 0, stdout: '' });
    expect(terminal.stderr.at(-1)).toMatch(/^Closing/);
    await vi.waitFor(async () =>
      expect((await wisp('subscribers', 'acme', 'brief')).stderr).toBe('this topic has no subscribers'),
    );
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it.each([
    ['a filter that the token does not grant', ['a', 'b'], /refuses to subscribe to b \(Not authorized\)/],
    ['a filter that is none', ['a/#/b'], /filter "a\/#\/b": /],
  ])('says in one line what is wrong: %s', async (_, filters, message) => {
    const token = await other({ mqtt: { subscribe: ['a'] } });
    const { exitCode, stdout, stderr } = await wisp('sub', 'other', ...filters, '--token', token);
    expect({ failed: exitCode > 0, stdout }).toEqual({ failed: true, stdout: '' });
    const lines = stderr.split('\n').filter((line) => line !== 'Connected.');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
  });

  it.each(['4', '5'])('says that a token is refused (protocol %s)', async (protocol) => {
    const { exitCode, stderr } = await wisp(
      'sub',
      'acme',
      '#',
      '--token',
      await other(),
      '--protocol',
      protocol,
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^wisp: the service refuses the connection: [^\n]*"wisp token check"[^\n]*$/);
  });

  it('without the key of the tenant says how to go on', async () => {
    expect(await wisp('sub', 'other', '#')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^wisp: no private key at .*--key$/),
    });
  });

  it('says that the service cannot be reached', async () => {
    const { exitCode, stderr } = await wisp('sub', 'acme', '#', '--url', 'ws://127.0.0.1:1/mqtt');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^wisp: no connection to ws:\/\/127\.0\.0\.1:1\/mqtt: [^\n]+$/);
  });
});

describe('wisp token check', () => {
  it('accepts a token that was just minted, and shows what it permits', async () => {
    const { stdout: token } = await wisp(
      'token',
      'acme',
      '--publish',
      'a/#',
      '--publish',
      '$' + '{clientId}/b',
    );
    const { exitCode, stdout, stderr } = await wisp('token', 'check', 'acme', token);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(
      /^The service accepts this token\.\nclient id +\(any\)\nsubject +acme\nexpires +20/,
    );
    expect(stdout).toMatch(
      /\npublish +a\/#\nno effect +publish \$\{clientId\}\/b: the token has no usable value/,
    );
    const json = await wisp('token', 'check', 'acme', token, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: true, subject: 'acme' });
  });

  it('says in one line which step refuses a token, and why', async () => {
    expect(await wisp('token', 'check', 'acme', await other())).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^wisp: refused at the step "signature" \(token-signature\): [^\n]*"iss", which is "wisp:other"[^\n]*$/,
      ),
    });
    const json = await wisp('token', 'check', 'acme', 'x', '--json');
    expect(json.exitCode).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ valid: false, step: 'form', code: 'token-malformed' });
  });

  it('does not take the name of a tenant: mint is the long form', async () => {
    for (const name of ['check', 'mint', 'help']) {
      await wisp('tenant', 'create', name);
      const { stdout } = await wisp('token', 'mint', name);
      expect(await wisp('token', 'check', name, stdout)).toMatchObject({ exitCode: 0 });
    }
    expect(await wisp('token', '--stack', 'Wisp', 'check', 'acme', 'x')).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'wisp: write --stack behind "check"',
    });
    expect((await wisp('token', 'help')).stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(await wisp('token', 'check')).toMatchObject({ exitCode: 2 });
    expect(await wisp('token', 'check', 'acme')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--stdin'),
    });
  });
});
