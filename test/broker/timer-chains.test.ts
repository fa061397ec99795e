import { afterEach, expect, test } from 'vitest';
import type { Packet } from '../../lib/mqtt/types.ts';
import { type BilledService, disconnected, startBilledService } from '../bench/billed-service.ts';
import { createJumpingClock, type JumpingClock } from '../bench/jumping-clock.ts';
import { connectPacket } from '../bench/metered.ts';
import { openRaw, type Version } from '../support/raw-client.ts';

const minuteMs = 60_000;
const dayMs = 86_400_000;
let billed: BilledService | undefined;
afterEach(() => billed?.close());

/** Waits until the queues are idle and the handlers that their messages started have ended. */
async function settle({ service }: BilledService): Promise<void> {
  await service.queues.idle();
  await new Promise(setImmediate);
  await service.queues.idle();
}

/** Connects for a minute, leaves, and counts what the timers cost until `days` later. */
async function visit(
  clock: JumpingClock,
  {
    version,
    clean,
    tokenSeconds,
    days,
  }: { version: Version; clean: boolean; tokenSeconds: number; days: number },
) {
  const service = await startBilledService({ clock });
  billed = service;
  const mint = await service.service.tenant('acme');
  const token = await mint({ exp: Math.floor(clock.now() / 1000) + tokenSeconds });
  return service.measure(async () => {
    const client = await openRaw(service.service.url, { version });
    const changes = { protocolVersion: version, clean, keepalive: 60, password: Buffer.from(token) };
    await client.send(await connectPacket(mint, 'visitor', changes));
    await clock.jump(minuteMs, () => settle(service));
    await disconnected(service.service, () => client.exchange({ cmd: 'disconnect' }));
    await clock.jump(days * dayMs, () => settle(service));
    await settle(service);
  });
}

test.each([
  ['5.0, token of 24 h', 5, true, 86_400, 2],
  ['5.0, token of 30 days', 5, true, 30 * 86_400, 31],
  ['3.1.1, Clean Session 0, session of 7 days', 4, false, 3_600, 9],
] as const)(
  'a client that leaves costs at most two timer invocations: %s',
  { timeout: 60_000 },
  async (_, version, clean, tokenSeconds, days) => {
    const units = await visit(createJumpingClock(), { version, clean, tokenSeconds, days });
    expect(units.invocations.timer).toBeLessThanOrEqual(2);
    // Send, receive and delete of each: the CONNECT deadline, and one look that finds the
    // connection gone.
    expect(units.standardRequests).toBeLessThanOrEqual(6);
  },
);

test('a Will with a delay is sent in time; once its row is gone, its chain ends', {
  timeout: 60_000,
}, async () => {
  const clock = createJumpingClock();
  const service = await startBilledService({ clock });
  billed = service;
  const mint = await service.service.tenant('acme');
  const leave = async (clientId: string) => {
    const client = await openRaw(service.service.url);
    const will = { topic: `will/${clientId}`, payload: Buffer.from('x'), qos: 0, retain: true } as const;
    const properties = { sessionExpiryInterval: 86_400 };
    const delayed = { ...will, properties: { willDelayInterval: 7_200 } };
    await client.send(await connectPacket(mint, clientId, { clean: false, properties, will: delayed }));
    await disconnected(service.service, () => client.close());
  };
  const published = async (clientId: string) =>
    (await service.service.stores.retained.page(mint.tenant as never, '', '', 10)).messages.some(
      ({ topic }) => topic === `will/${clientId}`,
    );
  await leave('away');
  await leave('back');
  await clock.jump(60 * minuteMs, () => settle(service));
  const back = await openRaw(service.service.url);
  await back.send(await connectPacket(mint, 'back', { clean: false, keepalive: 0, protocolVersion: 5 }));
  await disconnected(service.service, () => back.exchange({ cmd: 'disconnect' }));
  await clock.jump(59 * minuteMs, () => settle(service));
  expect(await published('away')).toBe(false);
  await clock.jump(2 * minuteMs, () => settle(service));
  await settle(service);
  expect(await published('away')).toBe(true);
  expect(await published('back')).toBe(false);
  const later = await service.measure(() => clock.jump(dayMs, () => settle(service)));
  expect(later.invocations.timer).toBeLessThanOrEqual(1);
});

test('what a session with a long expiry leaves is deleted by the recount of its tenant', {
  timeout: 60_000,
}, async () => {
  const clock = createJumpingClock();
  const service = await startBilledService({ clock });
  billed = service;
  const mint = await service.service.tenant('acme');
  const client = await openRaw(service.service.url, { version: 4 });
  await client.send(await connectPacket(mint, 'absent', { protocolVersion: 4, clean: false }));
  await client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 1 }] } as Packet);
  await disconnected(service.service, () => client.exchange({ cmd: 'disconnect' }));
  const left = async () =>
    (await service.service.stores.tenantData.subscribers(mint.tenant as never, 'a', undefined, 10))
      .subscriptions;
  await clock.jump(6.9 * dayMs, () => settle(service));
  expect(await left()).toHaveLength(1);
  await clock.jump(0.2 * dayMs, () => settle(service));
  const other = await openRaw(service.service.url);
  await other.send(await connectPacket(mint, 'other'));
  for (let ping = 0; ping < 4; ping += 1) {
    await clock.jump(50_000, () => settle(service));
    await other.send({ cmd: 'pingreq' });
  }
  await settle(service);
  expect(await left()).toEqual([]);
});

test('a client whose heartbeats alone arrive, as those of bridges do, stays for two hours', async () => {
  const clock = createJumpingClock();
  billed = await startBilledService({ clock });
  const { service } = billed;
  const mint = await service.tenant('acme');
  const client = await openRaw(service.url);
  const password = Buffer.from(await mint({ exp: Math.floor(clock.now() / 1000) + 86_400 }));
  await client.send(await connectPacket(mint, 'idle', { keepalive: 0, password }));
  for (let minutes = 9; minutes < 119; minutes += 9) {
    await clock.jump(9 * 60_000, () => service.queues.idle());
    expect(await client.exchangeText('.')).toMatchObject({ replies: [] });
  }
  expect(client.isClosed).toBe(false);
});
