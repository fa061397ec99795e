import mqtt from 'mqtt';
import { expect, it } from 'vitest';
import { run } from '../../lib/cli/program.ts';
import { runEdge } from '../../lib/cli/run-edge.ts';
import { inbox, startTestService } from '../support/service.ts';
import { cleanUps, startEmulator } from './emulator.ts';
import { outputsOf, recordingTerminal } from './service.ts';

const base = { host: '127.0.0.1', maxConnections: 10, logLevel: 'info', drainSeconds: 1 } as const;

it('runs the broker of a stack, and drains at its end', async () => {
  const service = await startTestService({ edge: true });
  cleanUps.push(() => service.close());
  const mint = await service.tenant('acme');
  const events: { EventBusName: string; DetailType: string }[] = [];
  const endpoint = await startEmulator(outputsOf(service), service, events);
  const terminal = recordingTerminal();
  const flags = { ...base, stack: 'Wisp', endpoint, mqttPort: 0, healthPort: 0, metricsPort: 0 };
  const close = await runEdge(flags, terminal);
  const shown = terminal.stdout.join('\n');
  expect(shown).toContain('stack Wisp');
  const [health] = /http:\/\/\S+\/health/.exec(shown) ?? [];
  expect((await fetch(health ?? '')).status).toBe(200);
  const [url = ''] = /mqtt:\/\/\S+/.exec(shown) ?? [];
  const client = await mqtt.connectAsync(url, {
    username: mint.tenant,
    password: await mint(),
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  cleanUps.push(() => client.endAsync(true));
  const got = inbox(client);
  await client.subscribeAsync('a');
  await client.publishAsync('a', 'hello', { qos: 1 });
  expect((await got.next()).text).toBe('hello');
  const metricsUrl = /http:\S+\/metrics/.exec(terminal.stdout.join('\n'))?.[0] ?? '';
  const metrics = await (await fetch(metricsUrl)).text();
  expect(metrics).toContain('\nwisp_clients 1\n');
  expect(metrics).toContain('\nwisp_messages_received_total 1\n');
  const reason = new Promise((resolve) => client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)));
  await close();
  expect(await reason).toBe(0x8b);
  expect(events.map(({ EventBusName, DetailType }) => [EventBusName, DetailType])).toEqual([
    ['devices', 'Wisp Client Connected'],
    ['devices', 'Wisp Client Disconnected'],
  ]);
}, 30_000);

it('names what a stack without edges needs', async () => {
  const endpoint = await startEmulator({ TenantsTableName: 'wisp-tenants' });
  const terminal = recordingTerminal();
  expect(await run(['edge', '--stack', 'Wisp', '--endpoint', endpoint], terminal)).not.toBe(0);
  expect(terminal.stderr.join('\n')).toContain('-c edge=external');
});

it('needs a stack', async () => {
  const terminal = recordingTerminal();
  expect(await run(['edge'], terminal)).toBe(2);
  expect(terminal.stderr.join('\n')).toContain('wisp start --edge');
});
