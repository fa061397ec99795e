import { afterAll, beforeAll, expect, test } from 'vitest';
import { vouchedTenantId } from '../../lib/auth/index.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';

const clock = createManualClock();
let service: TestService;
beforeAll(async () => {
  service = await startTestService({ clock });
});
afterAll(() => service.close());

async function advance(seconds: number): Promise<void> {
  await clock.advance(seconds * 1000);
  await service.queues.idle();
}

/** Publishes a retained message over HTTP, so that no connection must last for hours. */
async function retain(mint: Mint, topic: string, payload: string, expirySeconds?: number): Promise<unknown> {
  const expiry = expirySeconds === undefined ? '' : `&expirySeconds=${expirySeconds}`;
  const response = await fetch(`${service.publishUrl}/${topic}?retain=true${expiry}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await mint({ exp: undefined })}` },
    body: payload,
  });
  return response.status;
}

/** Deletes expired messages as DynamoDB does: silently. */
async function deletedByTimeToLive(tenant: string, ...topics: string[]): Promise<void> {
  for (const topic of topics) await service.stores.retained.delete(vouchedTenantId(tenant), topic);
}

const gauges = (tenant: string) => service.stores.usageStore.readGauges(vouchedTenantId(tenant));

test('retained messages that DynamoDB has deleted do not fill a quota forever', async () => {
  const mint = await service.tenant('full', { quotas: { retainedMessages: 2 } });
  await retain(mint, 'a', '1', 60);
  await retain(mint, 'b', '2', 60);
  await advance(30);
  await deletedByTimeToLive('full', 'a', 'b');
  await advance(700);
  expect(await retain(mint, 'c', '3')).toBe(429);
  await advance(30);
  expect(await retain(mint, 'c', '3')).toBe(200);
});

test('without a quota they are recounted at most once a day', async () => {
  const mint = await service.tenant('free');
  const touch = async (topic: string, payload: string): Promise<void> => {
    await retain(mint, topic, payload, 60);
    await advance(30);
    await retain(mint, topic, payload, 60);
    await advance(30);
  };
  await touch('d', '12345');
  await deletedByTimeToLive('free', 'd');
  await touch('e', '1');
  expect(await gauges('free')).toMatchObject({ retainedMessages: 2 });
  await advance(86_400);
  await touch('e', '12');
  expect(await gauges('free')).toMatchObject({ retainedMessages: 1, retainedBytes: 3 });
});

test('connections that a dead function left in the count do not lock a tenant out', async () => {
  const mint = await service.tenant('locked', { quotas: { connections: 40 } });
  await service.stores.usageStore.addGauges(vouchedTenantId('locked'), { connections: 50 });
  const endless = async () => ({ password: await mint({ exp: undefined }) });
  await expect(service.connect(mint, await endless())).rejects.toMatchObject({ code: 0x97 });
  await advance(30);
  const client = await service.connect(mint, await endless());
  expect((await gauges('locked')).connections).toBe(1);
  await client.endAsync();
});

test('a recount that finishes twice applies once; one that was not begun does not apply', async () => {
  const { usageStore } = service.stores;
  const other = vouchedTenantId('counted');
  await usageStore.addGauges(other, { connections: 5 });
  expect(await usageStore.beginRecount(other, 1_000, 0)).toBe(true);
  expect(await usageStore.beginRecount(other, 1_500, 900)).toBe(false);
  const counted = { connections: 2, retainedMessages: 1, retainedBytes: 9 };
  await usageStore.finishRecount(other, 999, counted);
  expect(await usageStore.readGauges(other)).toMatchObject({ connections: 5 });
  await usageStore.finishRecount(other, 1_000, counted);
  await usageStore.addGauges(other, { connections: 1 });
  await usageStore.finishRecount(other, 1_000, counted);
  expect(await usageStore.readGauges(other)).toEqual({ ...counted, connections: 3 });
});
