import { connect, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { changeTenant, type TenantId } from '../../lib/auth/index.ts';
import type { Ports } from '../../lib/core/ports.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import type { Timer } from '../../lib/core/timers.ts';
import { scanTables } from '../support/scan.ts';
import { adapterOptions, type Mint, startTestService, type TestService } from '../support/service.ts';
import { type Api, apiAt } from './api.ts';

let service: TestService;
let api: Api;
afterEach(() => service.close());

async function start(wrapPorts?: (ports: Ports) => Ports): Promise<void> {
  service = await startTestService({
    settings: { ...defaultSettings, tenantSettleSeconds: 1, inlineAudience: 1 },
    ...(wrapPorts === undefined ? {} : { wrapPorts }),
  });
  api = apiAt(service.adminUrl);
}

/** A timer arrives. Rejects as its handler does. */
async function arrive(timer: Timer): Promise<void> {
  const [outcome] = await service.service.broker.timers([{ timer, dueAtMs: 0 }]);
  if (outcome?.status === 'rejected') throw outcome.reason;
}

const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };

/** The reason code of the DISCONNECT that a client has received when its connection closes. */
async function ending(client: MqttClient): Promise<number | undefined> {
  let reason: number | undefined;
  client.once('disconnect', (packet) => {
    reason = packet.reasonCode;
  });
  await new Promise<void>((resolve) => client.once('close', () => resolve()));
  return reason;
}

/**
 * Creates everything that a tenant can store: sessions, queues, Wills, subscriptions, shares,
 * retained messages, usage, and messages of the fan-out queue.
 */
async function populate(mint: Mint): Promise<MqttClient[]> {
  const online = await service.connect(mint, {
    clientId: 'online/+#',
    ...kept,
    will: { topic: 'will', payload: Buffer.from('x'), qos: 1, retain: true },
  });
  await online.subscribeAsync(['a/+', '$share/g/b', '#'], { qos: 2 });
  const offline = await service.connect(mint, { clientId: 'offline', ...kept });
  await offline.subscribeAsync('q/#', { qos: 2 });
  await offline.endAsync();
  const publisher = await service.connect(mint, { clientId: 'publisher', clean: true });
  for (const qos of [0, 1, 2] as const)
    await publisher.publishAsync(`q/${qos}`, 'waits', { qos, retain: true });
  return [online, publisher];
}

async function rowsOf(tenant: string): Promise<string[]> {
  const rows = await scanTables(service);
  return rows.filter(({ text }) => text.includes(tenant)).map(({ kind, text }) => `${kind} ${text}`);
}

describe('a suspended tenant', () => {
  it('is disconnected and refused over MQTT and HTTP, and comes back with its sessions', async () => {
    await start();
    const mint = await service.tenant('acme');
    const other = await service.connect(await service.tenant('other'));
    const [online, publisher] = await populate(mint);
    if (online === undefined || publisher === undefined) throw new Error('two clients are expected');
    const endings = Promise.all([ending(online), ending(publisher)]);
    expect(await api('POST', '/tenants/acme/suspend')).toMatchObject({
      status: 200,
      body: { status: 'suspended' },
    });
    expect(await endings).toEqual([0x98, 0x98]);
    expect(other.connected).toBe(true);
    await expect(service.connect(mint)).rejects.toMatchObject({ code: 0x87 });
    const publish = () =>
      mint().then((token) =>
        fetch(`${service.publishUrl}/x`, { method: 'POST', headers: { authorization: `Bearer ${token}` } }),
      );
    expect((await publish()).status).toBe(403);
    expect(await api('POST', '/tenants/acme/publish', { messages: [{ topic: 'x' }] })).toMatchObject({
      status: 403,
      body: { code: 'tenant-inactive' },
    });

    expect((await api('POST', '/tenants/acme/resume')).body.status).toBe('active');
    expect((await publish()).status).toBe(200);
    let sessionPresent = false;
    const back = connect(service.url, await adapterOptions(mint, { clientId: 'online/+#', ...kept }));
    back.once('connect', (packet) => {
      sessionPresent = packet.sessionPresent;
    });
    await new Promise<void>((resolve) => back.once('connect', () => resolve()));
    await back.endAsync(true);
    expect(sessionPresent).toBe(true);
  });

  it('whose handlers had begun before is disconnected all the same', async () => {
    await start();
    const mint = await service.tenant('acme');
    const late = await service.connect(mint, { clientId: 'late' });
    await changeTenant(service.stores.tenantAdmin, 'acme', (config) => ({ ...config, status: 'suspended' }));
    const reason = ending(late);
    const sweep = {
      kind: 'tenant-sweep',
      tenant: 'acme' as TenantId,
      goal: 'disconnect',
      settled: true,
    } as const;
    await arrive(sweep);
    expect(await reason).toBe(0x98);
    await arrive({ ...sweep, goal: 'erase' });
    expect((await api('GET', '/tenants/acme')).body.status).toBe('suspended');
  });
});

describe('a deleted tenant', () => {
  it('leaves nothing behind in any table, and nothing of others goes', async () => {
    await start();
    const acme = await service.tenant('acme');
    const other = await service.tenant('acmeother');
    const bystanders = await populate(other);
    const clients = await populate(acme);
    await service.service.flush();
    const before = await rowsOf('acmeother');
    const endings = Promise.all(clients.map(ending));
    expect(await api('DELETE', '/tenants/acme')).toMatchObject({ status: 202, body: { status: 'deleting' } });
    expect(await endings).toEqual([0x98, 0x98]);
    await expect(service.connect(acme)).rejects.toMatchObject({ code: expect.any(Number) });
    await vi.waitFor(async () => expect((await api('GET', '/tenants/acme')).status).toBe(404), 20_000);

    const left = (await scanTables(service)).filter(({ text }) => /acme(?!other)/.test(text));
    expect(left).toEqual([]);
    expect((await rowsOf('acmeother')).sort()).toEqual(before.sort());
    for (const client of bystanders) expect(client.connected).toBe(true);
    expect(await api('PUT', '/tenants/acme', {})).toMatchObject({ status: 201 });
  });

  it('is deleted to the end although calls fail on the way', async () => {
    let failures = 0;
    await start((ports) => ({
      ...ports,
      tenantData: {
        ...ports.tenantData,
        async eraseClient(key) {
          if (failures < 2) {
            failures += 1;
            throw new Error('the process ends here');
          }
          await ports.tenantData.eraseClient(key);
        },
      },
    }));
    const acme = await service.tenant('acme');
    await populate(acme);
    const sweep = { kind: 'tenant-sweep', tenant: 'acme' as TenantId, goal: 'erase', settled: true } as const;
    await changeTenant(service.stores.tenantAdmin, 'acme', (config) => ({ ...config, status: 'deleting' }));
    for (let attempt = 0; attempt < 2; attempt += 1)
      await arrive(sweep).then(
        () => expect(failures).toBe(2),
        (error: Error) => expect(error.message).toBe('the process ends here'),
      );
    await arrive(sweep);
    expect(await rowsOf('acme')).toEqual([]);
  });

  it('publishes no Wills: they would be stored for clients that are gone', async () => {
    await start();
    const [online] = await populate(await service.tenant('acme'));
    await changeTenant(service.stores.tenantAdmin, 'acme', (config) => ({ ...config, status: 'deleting' }));
    online?.stream.destroy();
    const connected = async () => (await rowsOf('acme')).filter((row) => /^connections .*online/.test(row));
    await vi.waitFor(async () => expect(await connected()).toEqual([]), 10_000);
    expect((await rowsOf('acme')).filter((row) => /^(retained|messages) .*"will"/.test(row))).toEqual([]);
  });

  it('cannot be resumed, changed or made anew while it goes', async () => {
    await start((ports) => ({ ...ports, timers: { schedule: async () => {}, scheduleAll: async () => {} } }));
    await api('PUT', '/tenants/acme', {});
    await api('DELETE', '/tenants/acme');
    for (const [method, path, body] of [
      ['POST', '/tenants/acme/resume', undefined],
      ['POST', '/tenants/acme/suspend', undefined],
      ['PUT', '/tenants/acme/quotas', {}],
      ['PUT', '/tenants/acme', {}],
    ] as const)
      expect(await api(method, path, body)).toMatchObject({ status: 409, body: { code: 'tenant-deleting' } });
    expect(await api('DELETE', '/tenants/acme')).toMatchObject({ status: 202 });
  });

  it('a handshake token whose CONNECT never came goes with its connection', async () => {
    await start();
    const mint = await service.tenant('acme');
    const socket = new (await import('ws')).WebSocket(`${service.url}?token=${await mint()}`, 'wisp.b64.v1');
    await new Promise((resolve) => socket.once('open', resolve));
    const pending = async () =>
      (await scanTables(service)).filter(({ kind }) => kind === 'connections').length;
    expect(await pending()).toBe(1);
    socket.close();
    await vi.waitFor(async () => expect(await pending()).toBe(0), 10_000);
  });
});

describe('changes of one tenant at the same time', () => {
  it('leave the rows of the message path as the configuration says', async () => {
    await start();
    await api('PUT', '/tenants/acme', {});
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        api('POST', `/tenants/acme/${index % 2 === 0 ? 'suspend' : 'resume'}`),
      ),
    );
    const { status } = (await api('GET', '/tenants/acme')).body;
    const copies = (await scanTables(service)).filter(
      ({ kind, text }) => kind === 'tenants' && text.includes('live#'),
    );
    expect(copies).toHaveLength(4);
    for (const { text } of copies) expect(JSON.parse(text).status.S).toBe(status);
  });
});
