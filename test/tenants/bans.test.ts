import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { type Api, apiAt } from '../admin/api.ts';
import { connectPacket, type Metered, startMetered } from '../bench/metered.ts';
import { subscribe } from '../broker/packets.ts';
import { type Exchange, openRaw } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';

const maxBans = 3;
let metered: Metered;
let api: Api;
let acme: Mint;
beforeEach(async () => {
  metered = await startMetered({ settings: { ...defaultSettings, maxBans } });
  api = apiAt(metered.service.adminUrl);
  acme = await metered.service.tenant('acme');
});
afterEach(() => metered.close());

const path = (clientId: string) => `/tenants/acme/client/ban?${new URLSearchParams({ clientId })}`;
const ban = (clientId: string, body: object = { seconds: 3_600 }) => api('PUT', path(clientId), body);
const noted = (code: string) => metered.service.refusals.get(code) ?? 0;

/** Sends CONNECT on a new connection. */
async function connecting(clientId: string, changes: object = {}): Promise<Exchange> {
  const packet = await connectPacket(acme, clientId, changes);
  const client = await openRaw(metered.service.url, { version: packet.protocolVersion as 4 | 5 });
  const exchange = await client.exchange(packet);
  if (!client.isClosed) await client.exchange({ cmd: 'disconnect' });
  return exchange;
}

function codeOf({ replies, pushes }: Exchange): unknown {
  const [connack] = [...replies, ...pushes];
  return connack?.reasonCode ?? connack?.returnCode;
}

describe('a banned client', () => {
  test('is disconnected, and refused with 0x8A (3.1.1: 5), with a clean start or without', async () => {
    const kept = { clean: false, properties: { sessionExpiryInterval: 3_600 } };
    const client = await metered.connect(acme, 'rogue', kept);
    await client.send(subscribe(1, 'x'));
    expect(await ban('rogue', { seconds: 3_600, reason: 'sends nonsense' })).toMatchObject({
      status: 200,
      body: { clientId: 'rogue', disconnected: true },
    });
    await client.closed;
    expect(client.isClosed).toBe(true);
    for (const clean of [true, false]) {
      const { pushes, closed } = await connecting('rogue', { ...kept, clean });
      expect(pushes).toEqual([
        {
          cmd: 'connack',
          reasonCode: 0x8a,
          properties: {
            reasonString: expect.stringMatching(/^the client is banned: until .*: sends nonsense$/),
          },
        },
      ]);
      expect(closed).toBeDefined();
    }
    expect(codeOf(await connecting('rogue', { protocolVersion: 4 }))).toBe(5);
    expect(noted('client-banned')).toBe(4);
    expect(codeOf(await connecting('other'))).toBe(0);
    const answer = await fetch(`${metered.service.publishUrl}/x`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await acme({ mqtt: { clientId: 'rogue', publish: ['#'] } })}` },
    });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'client-banned' });
  });

  test('gets DISCONNECT 0x98: 5.0 has Banned in CONNACK alone', async () => {
    const client = await metered.connect(acme, 'rogue');
    await ban('rogue');
    await client.closed;
    const last = await client.take(1);
    expect(last).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x98 }]);
  });

  test('may connect again when its time is over, or the operator ends the ban', async () => {
    await ban('rogue', { seconds: 60 });
    expect(codeOf(await connecting('rogue'))).toBe(0x8a);
    await metered.clock.advance(61_000);
    expect(codeOf(await connecting('rogue'))).toBe(0);
    expect(await api('DELETE', path('rogue'))).toMatchObject({ body: { code: 'ban-unknown' } });
    await ban('rogue');
    expect(codeOf(await connecting('rogue'))).toBe(0x8a);
    expect((await api('DELETE', path('rogue'))).status).toBe(204);
    expect(codeOf(await connecting('rogue'))).toBe(0);
    expect((await api('GET', '/tenants/acme/bans')).body).toEqual({ bans: [] });
  });

  test('costs a tenant without bans nothing, and no write at all for its CONNECTs', async () => {
    await connecting('other');
    const cost = (clientId: string) => metered.measure(() => connecting(clientId));
    const before = await cost('other');
    await ban('rogue');
    await connecting('rogue');
    const banned = await cost('rogue');
    expect(banned.writeUnits).toBe(0);
    expect(banned.readUnits).toBeLessThanOrEqual(3);
    const after = await cost('other');
    expect(after.readUnits - before.readUnits).toBe(1);
    expect(after.writeUnits).toBe(before.writeUnits);
    await metered.clock.advance(3_601_000);
    await connecting('other');
    expect((await cost('other')).readUnits).toBe(before.readUnits);
  });

  test('that was connecting meanwhile is ended by the second look', async () => {
    await ban('rogue');
    await api('DELETE', path('rogue'));
    const client = await metered.connect(acme, 'rogue');
    // The row without its ban: so it is for a CONNECT that read the tenant before.
    const { service } = metered;
    const atMs = metered.clock.now();
    const again = { clientId: 'rogue', atMs, untilMs: atMs + 3_600_000, by: 'operator' } as const;
    await service.stores.bans.put(vouchedTenantId('acme'), again);
    await client.send({ cmd: 'pingreq' });
    await metered.clock.advance(36_000);
    await service.queues.idle();
    await client.closed;
    expect(codeOf(await connecting('rogue'))).toBe(0x8a);
  });
});

describe('bans', () => {
  test('are listed with who made them, and bounded', async () => {
    for (let index = 0; index < maxBans; index += 1) expect((await ban(`c${index}`)).status).toBe(200);
    expect(await ban('one-more')).toMatchObject({ status: 409, body: { code: 'bans-full' } });
    const first = (await api('GET', '/tenants/acme/bans?limit=2')).body;
    const second = (await api('GET', `/tenants/acme/bans?limit=2&page=${first.next}`)).body;
    const all = [...first.bans, ...second.bans];
    expect(all.map(({ clientId }) => clientId).toSorted()).toEqual(['c0', 'c1', 'c2']);
    expect(all[0]).toMatchObject({ by: 'operator', until: expect.any(String), at: expect.any(String) });
  });

  test.each([
    [{ seconds: 0 }, 'body'],
    [{ seconds: 2_592_001 }, 'body'],
    [{ seconds: 60, reason: 'x'.repeat(257) }, 'body'],
    [{}, 'body'],
  ])('refuses %j', async (body, code) => {
    expect(await ban('rogue', body)).toMatchObject({ status: 400, body: { code } });
  });

  test('of a tenant are none of another, and go with it', async () => {
    const other = await metered.service.tenant('other');
    await ban('rogue');
    const packet = await connectPacket(other, 'rogue');
    const client = await openRaw(metered.service.url, {});
    expect(codeOf(await client.exchange(packet))).toBe(0);
    const { bans, tenantData } = metered.service.stores;
    expect(await bans.count(vouchedTenantId('acme'), 10)).toBe(1);
    await tenantData.deleteTenant(vouchedTenantId('acme'));
    expect(await bans.count(vouchedTenantId('acme'), 10)).toBe(0);
    expect(await api('PUT', '/tenants/nobody/client/ban?clientId=x', { seconds: 1 })).toMatchObject({
      body: { code: 'tenant-unknown' },
    });
  });
});

describe('flapping', () => {
  const rate = defaultSettings.connectsPerMinutePerClient;

  test('connects of the hour are in the session row, and shown', async () => {
    const kept = { clean: false, properties: { sessionExpiryInterval: 7_200 } };
    for (let index = 0; index < 3; index += 1) await connecting('flap', kept);
    const shown = () => api('GET', '/tenants/acme/client?clientId=flap');
    expect((await shown()).body).toMatchObject({ connectsThisHour: 3 });
    expect((await api('GET', '/tenants/acme/clients')).body.clients).toMatchObject([{ connectsThisHour: 3 }]);
    await metered.clock.advance(3_600_000);
    expect((await shown()).body).toMatchObject({ connectsThisHour: 0 });
    await connecting('flap', kept);
    expect((await shown()).body).toMatchObject({ connectsThisHour: 1 });
  });

  test('a client beyond its rate is banned where the tenant has the quota', async () => {
    await api('PUT', '/tenants/acme/quotas', { banFlappingSeconds: 600 });
    for (let index = 0; index < rate; index += 1) expect(codeOf(await connecting('flap'))).toBe(0);
    expect(codeOf(await connecting('flap'))).toBe(0x9f);
    expect(metered.service.counters.get(metrics.clientsBanned)).toBe(1);
    // A minute later its rate would let it in.
    await metered.clock.advance(60_000);
    expect(codeOf(await connecting('flap'))).toBe(0x8a);
    expect((await api('GET', '/tenants/acme/bans')).body.bans).toMatchObject([
      { clientId: 'flap', by: 'flapping' },
    ]);
    await metered.clock.advance(600_000);
    expect(codeOf(await connecting('flap'))).toBe(0);
  });

  test('refused CONNECTs ask for the quota once a minute, and without it nobody is banned', async () => {
    for (let index = 0; index < rate; index += 1) await connecting('flap');
    await connecting('flap');
    const { readUnits, writeUnits } = await metered.measure(async () => {
      for (let index = 0; index < 20; index += 1) expect(codeOf(await connecting('flap'))).toBe(0x9f);
    });
    // The frame's own read of the connection.
    expect(readUnits).toBeLessThanOrEqual(20);
    expect(writeUnits).toBe(0);
    expect(metered.service.counters.get(metrics.clientsBanned)).toBeUndefined();
  });
});
