import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { announce, recordingTerminal, temporaryDirectory, useHome } from './service.ts';

let service: TestService;
let home: Awaited<ReturnType<typeof temporaryDirectory>>;
let mint: Mint;

beforeAll(async () => {
  home = await temporaryDirectory();
  service = await startTestService();
  await announce(service, home.path);
  mint = await service.tenant('acme');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await service.close();
  await home.remove();
});
beforeEach(() => useHome(home.path));

async function traced(client: string, ...flags: string[]) {
  const terminal = recordingTerminal();
  const ended = run(['trace', 'acme', '--client', client, ...flags], terminal);
  await vi.waitFor(() => expect(terminal.stderr).toContain('Tracing.'), { timeout: 10_000 });
  const told = async (...expected: readonly RegExp[]): Promise<void> => {
    await vi.waitFor(() => expect(terminal.stdout).toHaveLength(expected.length), { timeout: 10_000 });
    for (const [index, line] of expected.entries()) expect(terminal.stdout[index]).toMatch(line);
  };
  return { terminal, told, ended };
}

it('shows the decisions about a client from its CONNECT on, and ends at SIGINT', async () => {
  const { terminal, told, ended } = await traced('sensor/\u001b7');
  const client = await service.connect(mint, { clientId: 'sensor/\u001b7' });
  await client.publishAsync('up/\u001b[2J', 'secret payload', { qos: 1 });
  const time = String.raw`^\d{4}-\d\d-\d\dT[\d:.]+Z  `;
  await told(
    new RegExp(String.raw`${time}connect       protocol=5\.0  sessionPresent=false  keepAliveSeconds=\d+`),
    new RegExp(String.raw`${time}admitted      up/\\u001b\[2J  qos=1  id=\w+  connection=\S+$`),
    new RegExp(String.raw`${time}matched       up/\\u001b\[2J  id=\w+  clients=0  connection=\S+$`),
  );
  process.emit('SIGINT');
  expect(await ended).toBe(0);
  await client.publishAsync('up', 'x', { qos: 1 });
  expect(terminal.stdout).toHaveLength(3);
  expect(service.logged.some((line) => line.includes('"trace"') && line.includes('"topic":"up"'))).toBe(
    false,
  );
  const { observers } = (await (await fetch(`${service.adminUrl}/tenants/acme/observers`)).json()) as {
    observers: unknown[];
  };
  expect(observers).toEqual([]);
});

it('prints JSON, and ends after its time', async () => {
  const { told, ended, terminal } = await traced('json', '--json', '--for', '2s');
  await service.connect(mint, { clientId: 'json' });
  await told(/^\{.*"step":"connect".*\}$/);
  expect(JSON.parse(terminal.stdout[0] ?? '')).toMatchObject({ client: 'json', step: 'connect' });
  expect(await ended).toBe(0);
});
