import { expect, it } from 'vitest';
import { inbox } from '../support/service.ts';
import { startEdged } from './edged.ts';

it('reaches clients of the gateway, and takes their sessions over', async () => {
  const { service, connectWs: connect } = await startEdged();
  const mint = await service.tenant('acme');
  const roaming = { clientId: 'roaming', clean: false, properties: { sessionExpiryInterval: 600 } };
  const atGateway = await service.connect(mint, roaming);
  const got = inbox(atGateway);
  await atGateway.subscribeAsync('to', { qos: 1 });
  const publisher = await connect(mint, { clientId: 'pub' });
  await publisher.publishAsync('to', 'first', { qos: 1 });
  expect((await got.next()).text).toBe('first');
  const ended = new Promise<void>((resolve) => atGateway.once('close', () => resolve()));
  const atEdge = await connect(mint, roaming);
  await ended;
  const later = inbox(atEdge);
  await publisher.publishAsync('to', 'second', { qos: 1 });
  expect((await later.next()).text).toBe('second');
});
