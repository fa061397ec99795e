import { expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
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

it('stores no subscription for a connection from which the session was taken', async () => {
  // Without a back door, so nobody tells the edge of the takeover.
  const { service, connectWs: connect } = await startEdged();
  const mint = await service.tenant('acme');
  const roaming = { clientId: 'roaming', clean: false, properties: { sessionExpiryInterval: 600 } };
  const atEdge = await connect(mint, roaming);
  await atEdge.subscribeAsync('wide', { qos: 1 });
  await service.connect(mint, {
    ...roaming,
    password: await mint({ mqtt: { publish: [], subscribe: ['narrow'] } }),
  });
  await expect(atEdge.subscribeAsync('secret', { qos: 1 })).rejects.toThrow();
  const session = { tenant: vouchedTenantId('acme'), clientId: 'roaming' };
  expect(await service.stores.sessionSubscriptions.list(session)).toEqual([]);
});
