import { once } from 'node:events';
import { expect, it } from 'vitest';
import WebSocket from 'ws';
import type { LogFields } from '../../lib/core/ports.ts';
import { inbox } from '../support/service.ts';
import { silentLog } from '../support/silent-log.ts';
import { startEdged } from './edged.ts';

it.each([
  [4, 0],
  [4, 1],
  [4, 2],
  [5, 0],
  [5, 1],
  [5, 2],
] as const)('carries messages of MQTT %i at QoS %i', async (protocolVersion, qos) => {
  const { service, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const subscriber = await connect(mint, { clientId: 'sub', protocolVersion });
  const got = inbox(subscriber);
  await subscriber.subscribeAsync('a/#', { qos });
  const publisher = await connect(mint, { clientId: 'pub', protocolVersion });
  for (let number = 0; number < 20; number += 1) await publisher.publishAsync('a/b', `${number}`, { qos });
  expect((await got.take(20)).map(({ text }) => text)).toEqual(Array.from({ length: 20 }, (_, n) => `${n}`));
});

it('sends the Will of a client that vanishes', async () => {
  const { service, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const watcher = await connect(mint, { clientId: 'watcher' });
  const got = inbox(watcher);
  await watcher.subscribeAsync('will', { qos: 1 });
  const dying = await connect(mint, {
    clientId: 'dying',
    will: { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: false },
  });
  dying.stream.destroy();
  expect(await got.next()).toMatchObject({ topic: 'will', text: 'gone' });
});

it('logs the code of a refused handshake beside its status', async () => {
  const lines: unknown[] = [];
  const info = (message: string, fields?: LogFields) => lines.push({ message, ...fields });
  const log = { ...silentLog, info };
  const { edge } = await startEdged({ edge: { log } });
  const socket = new WebSocket(`ws://127.0.0.1:${edge.wsPort}/mqtt`);
  await once(socket, 'error');
  expect(lines).toContainEqual(
    expect.objectContaining({ message: 'refused', code: 'handshake-refused', status: 400 }),
  );
});
