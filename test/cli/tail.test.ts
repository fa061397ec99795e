import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  await announce(service, home.path);
  await service.tenant('acme');
  useHome(home.path);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});
beforeEach(() => useHome(home.path));

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

async function subscriberOf(topic: string): Promise<void> {
  await vi.waitFor(
    async () => {
      const { stdout } = await wisp('subscribers', 'acme', topic, '--json');
      expect(JSON.parse(stdout)).toMatchObject([{ online: true }]);
    },
    { timeout: 10_000 },
  );
}

const observers = async () => {
  const response = await fetch(`${service.adminUrl}/tenants/acme/observers`);
  return ((await response.json()) as { observers: unknown[] }).observers;
};

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

describe('wisp tail', () => {
  it('shows live messages without their payload, and ends its session with itself', async () => {
    await wisp('pub', 'acme', 'seen/old', 'retained before', '--retain');
    const { ended } = start('tail', 'acme', 'seen/#', 'also', '--count', '2');
    await subscriberOf('seen/1');
    expect(await observers()).toMatchObject([{ filters: ['seen/#', 'also'] }]);
    await wisp('pub', 'acme', 'unseen', 'x');
    await wisp('pub', 'acme', 'seen/\u001b[2J', 'four', '--retain', '--qos', '1');
    await wisp('pub', 'acme', 'also', 'five5');
    const { exitCode, stdout, stderr } = await ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'Connected.' });
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(new RegExp(String.raw`^${time}  seen/\\u001b\[2J  4 B  retain$`));
    expect(lines[1]).toMatch(new RegExp(`^${time}  also  5 B$`));
    expect(await observers()).toEqual([]);
  });

  it('shows properties and payload as text that forges no line, and JSON', async () => {
    const mint = await service.tenant('other');
    const publisher = await service.connect(mint, { clientId: 'publisher' });
    const arrive = async (filter: string, ...flags: string[]) => {
      const { terminal, ended } = start('tail', 'other', filter, '--count', '1', '--payload', ...flags);
      await vi.waitFor(() => expect(terminal.stderr).toContain('Connected.'), { timeout: 10_000 });
      await vi.waitFor(async () =>
        expect(JSON.parse((await wisp('subscribers', 'other', filter, '--json')).stdout)).toHaveLength(1),
      );
      await publisher.publishAsync(filter, 'on\n2026 alarm', {
        properties: { contentType: 'text/\u202eplain', userProperties: { a: 'b\nc' } },
      });
      return (await ended).stdout;
    };
    expect(await arrive('p')).toMatch(
      new RegExp(
        String.raw`^${time}  p  13 B  \{"contentType":"text/\\u202eplain","userProperties":\{"a":"b\\nc"\}\}  on\\u000a2026 alarm$`,
      ),
    );
    expect(JSON.parse(await arrive('j', '--json'))).toEqual({
      at: expect.stringMatching(new RegExp(`^${time}$`)),
      ...{ topic: 'j', bytes: 13, retain: false },
      ...{ contentType: 'text/\u202eplain', userProperties: { a: 'b\nc' } },
      ...{ payload: 'on\n2026 alarm', encoding: 'utf8' },
    });
  });

  it('ends after its time, and at SIGINT', async () => {
    expect(await wisp('tail', 'acme', 'brief', '--for', '1s')).toMatchObject({ exitCode: 0, stdout: '' });
    const { ended } = start('tail', 'acme', 'brief');
    await subscriberOf('brief');
    process.emit('SIGINT');
    expect(await ended).toMatchObject({ exitCode: 0, stdout: '' });
    expect(await observers()).toEqual([]);
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  it.each([
    ['a shared filter', ['$share/g/a'], /expected a topic filter, without "\$share\/name\/"/],
    ['a filter of another tenant', ['$SYS/tenants/other/#'], /expected no "\$" but in/],
    ['more than an hour', ['a', '--for', '2h'], /at most 1h/],
  ])('refuses %s', async (_, args, message) => {
    const { exitCode, stderr } = await wisp('tail', 'acme', ...args);
    expect(exitCode).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
  });
});
