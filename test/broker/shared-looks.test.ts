import { afterEach, expect, test } from 'vitest';
import type { TenantId } from '../../lib/core/tenant-id.ts';
import type { Timer } from '../../lib/core/timers.ts';
import { type BilledService, startBilledService } from '../bench/billed-service.ts';
import { createJumpingClock } from '../bench/jumping-clock.ts';
import { connectPacket } from '../bench/metered.ts';
import { measureIdleFleet } from '../bench/units/idle-fleet.ts';
import { openRaw } from '../support/raw-client.ts';

const minuteMs = 60_000;
let billed: BilledService | undefined;
afterEach(() => billed?.close());

test('40 connections of a tenant share their looks', { timeout: 300_000 }, async () => {
  const [units] = await measureIdleFleet(
    { keepAliveSeconds: 540, connections: 40, tokenHours: 24, sessionExpirySeconds: 0 },
    [0],
  );
  // Each connection is looked at 6.7 times an hour. Alone, a look takes three SQS requests and an
  // invocation. One request and an invocation of half an hour are those of the CONNECT deadline.
  expect(units?.timers.standardRequests).toBeLessThanOrEqual(7);
  expect(units?.timers.invocations.timer).toBeLessThanOrEqual(2.5);
  expect(units?.timers.writeUnits).toBeLessThanOrEqual(1);
});

test('a look that arrives several times does not leave several chains', { timeout: 60_000 }, async () => {
  const clock = createJumpingClock();
  const started = await startBilledService({ clock });
  billed = started;
  const { service } = started;
  const mint = await service.tenant('acme');
  const client = await openRaw(service.url);
  await client.send(await connectPacket(mint, 'client', { keepalive: 60 }));
  const live = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.jump(minuteMs, () => service.queues.idle());
      await client.send({ cmd: 'pingreq' });
    }
  };
  await live(3);
  const alone = await started.measure(() => live(10));
  const key = { tenant: mint.tenant as TenantId, clientId: 'client' };
  const address = (await service.stores.sessions.get(key))?.address;
  if (address === undefined) throw new Error('the session is not online');
  const { tenant } = key;
  const look: Timer = { kind: 'connections', tenant, addresses: [address], drainedAtMs: clock.now() };
  for (let copy = 0; copy < 20; copy += 1)
    await service.service.context.timers.schedule(look, clock.now() + 35_000 + copy * 1_100);
  await live(3);
  const later = await started.measure(() => live(10));
  expect(later.invocations.timer).toBeLessThanOrEqual((alone.invocations.timer ?? 0) + 1);
  expect(later.standardRequests).toBeLessThanOrEqual(alone.standardRequests + 3);
});

test('the timers of one tenant do not delay the Will of another', { timeout: 60_000 }, async () => {
  const clock = createJumpingClock();
  const started = await startBilledService({ clock });
  billed = started;
  const { service } = started;
  const mint = await service.tenant('quiet');
  const client = await openRaw(service.url);
  const will = { topic: 'will', payload: Buffer.from('x'), qos: 0, retain: true } as const;
  const changes = { clean: false, properties: { sessionExpiryInterval: 3_600 } };
  const packet = await connectPacket(mint, 'client', {
    ...changes,
    will: { ...will, properties: { willDelayInterval: 60 } },
  });
  await client.send(packet);
  const ended = () => service.gateway.meters.billedMs.$disconnect;
  const before = ended();
  await client.close();
  while (ended() === before) await new Promise(setImmediate);
  const dueAtMs = clock.now() + 60_000;
  const tenant = 'noisy' as TenantId;
  const flood = Array.from({ length: 5_000 }, (_, index) => ({
    timer: { kind: 'session-expiry', tenant, clientId: `c${index}`, generation: 'g' } as const,
    dueAtMs: dueAtMs - 2_000,
  }));
  await service.service.context.timers.scheduleAll(flood);
  const isPublished = async () => {
    const page = await service.stores.retained.page(mint.tenant as TenantId, '', '', 10);
    return page.messages.length === 1;
  };
  const done = (): number => service.queues.meters('wisp-timers').invocations;
  let invocationsUntilWill = 0;
  const start = done();
  await clock.jump(61_000, async () => undefined);
  while (!(await isPublished())) await new Promise(setImmediate);
  invocationsUntilWill = done() - start;
  // 500 batches of the flood; those in flight when the Will came due, and few behind them.
  expect(invocationsUntilWill).toBeLessThan(250);
  await service.queues.idle();
});
