import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConsoleUnderTest } from '../browser.ts';

/** A small plant: tenants, clients, retained messages, rules of which one fails, a ban. */
export async function prepareService({ service }: ConsoleUnderTest) {
  const mint = await service.tenant('acme', { quotas: { connections: 500, retainedMessages: 10_000 } });
  for (const name of ['demo', 'field-lab']) await service.tenant(name);
  const connect = async (clientId: string, filters: readonly string[], expiry = 3_600) => {
    const client = await service.connect(mint, {
      clientId,
      clean: false,
      properties: { sessionExpiryInterval: expiry },
    });
    for (const filter of filters) await client.subscribeAsync(filter, { qos: 1 });
    return client;
  };
  const clients = [
    await connect('dashboard', ['plant/#'], 0),
    await connect('sensor-7', ['plant/+/state', 'plant/+/command']),
    await connect('sensor-8', ['plant/2/command']),
  ];
  await (await connect('archive', ['plant/+/state'], 604_800)).endAsync();
  const [publisher] = clients;
  const publish = async (topic: string, payload: string, retain = false) => {
    await publisher?.publishAsync(topic, payload, { qos: 1, retain });
  };
  for (const [topic, payload] of [
    ['plant/1/state', '{"temperature":21.5,"pump":{"on":true}}'],
    ['plant/2/state', '{"temperature":19,"pump":{"on":false}}'],
    ['plant/2/level', '{"litres":1240,"at":"2026-11-29T04:00:00Z"}'],
    ['site/name', 'North'],
  ] as const)
    await publish(topic, payload, true);

  const admin = async (method: string, path: string, body: object) => {
    const response = await fetch(`${service.adminUrl}/tenants/acme${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  await admin('PUT', '/client/ban?clientId=noisy-3', { seconds: 3_600, reason: 'reconnects in a loop' });

  const refused = new Set<() => void>();
  const receiver = createServer((request, response) => {
    request.resume();
    response.writeHead(request.url === '/down' ? 503 : 422).end();
    for (const resolve of refused) resolve();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;
  const rules = {
    alerts: {
      filter: 'plant/+/state',
      where: '{"payload":{"temperature":[{"numeric":[">",80]}]}}',
      send: {
        form: 'template',
        template: '{"text": "Plant <$.levels[1]> is at <$.payload.temperature> °C"}',
      },
      target: { kind: 'republish', topic: 'alerts/<$.levels[1]>', qos: 1 },
    },
    orders: {
      filter: 'orders/+/placed',
      where: '{"payload":{"total":[{"numeric":[">",100]}]}}',
      target: { kind: 'webhook', url: `http://127.0.0.1:${port}/orders`, headers: { 'x-plant': 'north' } },
    },
    status: { filter: 'site/#', target: { kind: 'webhook', url: `http://127.0.0.1:${port}/down` } },
    stored: {
      filter: 'plant/#',
      target: { kind: 'kinesis', streamArn: 'arn:aws:kinesis:eu-central-1:111122223333:stream/plant' },
      status: 'paused',
    },
  };
  for (const [name, rule] of Object.entries(rules)) await admin('PUT', `/rules/${name}`, rule);
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  for (const name of ['orders', 'status']) await admin('PUT', `/rules/${name}/secret`, { secret });
  for (const order of [7, 8]) {
    const answered = new Promise<void>((resolve) => refused.add(resolve));
    await publish(`orders/${order}/placed`, `{"total": ${order * 50}}`);
    await answered;
    refused.clear();
  }
  // A circuit opens after some failed attempts; those for other topics do not wait for each other.
  for (const gate of [1, 2, 3, 4, 5, 6, 7, 8]) await publish(`site/gates/${gate}`, 'open');
  for (let isFailing = false; !isFailing; ) {
    const response = await fetch(`${service.adminUrl}/tenants/acme/rules/status`);
    const { circuit } = (await response.json()) as { circuit: { openUntil?: string } };
    isFailing = circuit.openUntil !== undefined;
  }

  return {
    publish,
    token: () => mint(),
    async close() {
      await Promise.all(clients.map((client) => client.endAsync()));
      receiver.closeAllConnections();
      receiver.close();
    },
  };
}
