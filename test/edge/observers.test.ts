import { expect, it } from 'vitest';
import { inbox } from '../support/service.ts';
import { startEdged } from './edged.ts';

it('lets an operator observe with a stock client', async () => {
  const { service, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const created = await fetch(`${service.adminUrl}/tenants/acme/observers`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filters: ['a/#'] }),
  });
  const { clientId, password } = (await created.json()) as { clientId: string; password: string };
  const observer = await connect(mint, { clientId, password });
  const got = inbox(observer);
  await observer.subscribeAsync('a/#');
  const publisher = await connect(mint, { clientId: 'publisher' });
  await publisher.publishAsync('a/b', 'through');
  expect(await got.next()).toMatchObject({ topic: 'a/b', text: 'through' });
});
