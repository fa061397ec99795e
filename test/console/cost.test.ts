import { expect, test } from 'vitest';
import { startMetered } from '../bench/metered.ts';

/** Looks a minute of a visible overview at a deployment (console/pages/overview.tsx). */
const looksAMinute = 2;
/** The same of the page of one client (console/pages/client-details.tsx). */
const clientLooksAMinute = 2;

test('an open overview costs a deployment few read units a minute, and no write unit', async () => {
  const metered = await startMetered();
  const mint = await metered.service.tenant('acme');
  const client = await metered.connect(mint, 'sensor-7');
  await client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a/b', qos: 0 }] });
  const get = async (path: string) => {
    const response = await fetch(`${metered.service.adminUrl}${path}`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  };
  const now = metered.service.service.nowMs();
  const minute = (ms: number) => new Date(ms).toISOString().slice(0, 16);
  const hour = (ms: number) => new Date(ms).toISOString().slice(0, 13);
  const live = `resolution=minute&from=${minute(now - 59 * 60_000)}&to=${minute(now)}`;
  const day = `resolution=hour&from=${hour(now - 23 * 3_600_000)}&to=${hour(now)}`;
  await get('/tenants?limit=10');
  const list = await metered.measure(() => get('/tenants?limit=10'));
  const look = await metered.measure(() => get(`/tenants/acme/usage?${live}`));
  const daily = await metered.measure(() => get(`/tenants/acme/usage?${day}`));
  await metered.close();

  const units = looksAMinute * (list.readUnits + look.readUnits) + 0.2 * (list.readUnits + daily.readUnits);
  console.log(
    `overview with one tenant: ${units.toFixed(1)} read units and ${looksAMinute * 2 + 0.4} calls a minute ` +
      `(list ${list.readUnits}, minutes ${look.readUnits}, hours ${daily.readUnits})`,
  );
  expect(list.writeUnits + look.writeUnits + daily.writeUnits).toBe(0);
  expect(units).toBeLessThanOrEqual(12);
});

test('an open page of a client costs a deployment few read units a minute, and no write unit', async () => {
  const metered = await startMetered();
  const mint = await metered.service.tenant('acme');
  const client = await metered.connect(mint, 'sensor-7');
  const subscriptions = [1, 2, 3].map((number) => ({ topic: `a/${number}`, qos: 1 as const }));
  await client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  const get = async (path: string) => {
    const response = await fetch(`${metered.service.adminUrl}/tenants/acme${path}`);
    expect(response.status).toBe(200);
    await response.arrayBuffer();
  };
  await get('/clients?limit=50');
  const list = await metered.measure(() => get('/clients?limit=50'));
  const look = await metered.measure(() => get('/client?clientId=sensor-7'));
  await fetch(`${metered.service.adminUrl}/tenants/acme/rules/copy`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filter: 'a/#', target: { kind: 'republish', topic: 'copies' } }),
  });
  const rule = await metered.measure(() => get('/rules/copy'));
  await metered.close();

  console.log(
    `clients: ${list.readUnits} read units for the list; ${clientLooksAMinute * look.readUnits} a minute for ` +
      `one client (${look.readUnits} a look); a rule: ${rule.readUnits} when opened`,
  );
  expect(list.writeUnits + look.writeUnits + rule.writeUnits).toBe(0);
  expect(clientLooksAMinute * look.readUnits).toBeLessThanOrEqual(20);
});
