import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connectAsync } from 'mqtt';
import { expect, it, vi } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { noBackDoor } from '../support/no-back-door.ts';
import { inbox } from '../support/service.ts';
import { edgeOf, startEdged } from './edged.ts';

it('ends clients that are silent for 1.5 times the keep-alive', async () => {
  const { service, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const watcher = await connect(mint, { clientId: 'watcher' });
  const got = inbox(watcher);
  await watcher.subscribeAsync('will');
  const silent = await connect(mint, {
    clientId: 'silent',
    keepalive: 1,
    will: { topic: 'will', payload: Buffer.from('silent'), qos: 0, retain: false },
  });
  silent.stream.pause();
  silent.stream.removeAllListeners('data');
  silent.stream.write = () => true;
  expect((await got.next()).text).toBe('silent');
});

it('ends a client whose token has expired, with its reason', async () => {
  const { service, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const client = await connect(mint, {
    password: await mint({ exp: Math.floor(Date.now() / 1000) + 2 }),
  });
  const reason = await new Promise((resolve) =>
    client.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  expect(reason).toBe(0xa0);
});

it('closes a socket that sends half of a CONNECT', async () => {
  const { edge } = await startEdged({ edge: { connectTimeoutMs: 30_000 } });
  const socket = connectTcp(edge.mqttPort ?? 0, '127.0.0.1');
  // The header is complete, the client identifier is not.
  socket.write(Buffer.from('101600044d51545404020001000a6161', 'hex'));
  await once(socket, 'close');
  await vi.waitFor(() => expect(edge.connections()).toBe(0));
}, 20_000);

it('stops with 0x8B for clients of 5.0', async () => {
  const { service, edge, connect } = await startEdged();
  const mint = await service.tenant('acme');
  const clients = await Promise.all(['a', 'b', 'c'].map((clientId) => connect(mint, { clientId })));
  const reasons = clients.map(
    (client) => new Promise((resolve) => client.once('disconnect', ({ reasonCode }) => resolve(reasonCode))),
  );
  await edge.drain(1);
  expect(await Promise.all(reasons)).toEqual([0x8b, 0x8b, 0x8b]);
  expect(service.counters.get(metrics.protocolErrors)).toBeUndefined();
  expect(edge.connections()).toBe(0);
  await expect(connect(mint)).rejects.toThrow();
});

it('tells a load balancer whether clients may come', async () => {
  let isServing = true;
  const { edge } = await startEdged({
    edge: { healthPort: 0, openBackDoor: async () => ({ ...noBackDoor, isServing: () => isServing }) },
  });
  const status = async () => (await fetch(`http://127.0.0.1:${edge.healthPort}/health`)).status;
  expect(await status()).toBe(200);
  isServing = false;
  expect(await status()).toBe(503);
});

it('tells clients of 5.0 to come back when the store fails, and serves the others', async () => {
  let fails = false;
  const { service, connect } = await startEdged({
    service: {
      wrapPorts: (ports) => ({
        ...ports,
        subscriptions: {
          ...ports.subscriptions,
          async audience(tenant, filter, options) {
            if (fails && filter === 'failing') throw new Error('throttled');
            return ports.subscriptions.audience(tenant, filter, options);
          },
        },
      }),
    },
  });
  const mint = await service.tenant('acme');
  const [publisher, other] = [await connect(mint, { clientId: 'pub' }), await connect(mint)];
  await other.subscribeAsync(['failing', 'fine']);
  fails = true;
  const reason = new Promise((resolve) =>
    publisher.once('disconnect', ({ reasonCode }) => resolve(reasonCode)),
  );
  publisher.publish('failing', 'x', { qos: 1 });
  expect(await reason).toBe(0x89);
  const got = inbox(other);
  await other.publishAsync('fine', 'served', { qos: 1 });
  expect((await got.next()).text).toBe('served');
});

it('stores no subscription for a connection from which the session was taken', async () => {
  // Without a back door, so nobody tells the first edge of the takeover.
  const { service, connect } = await startEdged({ service: { edge: true } });
  const mint = await service.tenant('acme');
  const other = await edgeOf(service);
  const roaming = { clientId: 'roaming', clean: false, properties: { sessionExpiryInterval: 600 } };
  const first = await connect(mint, roaming);
  await first.subscribeAsync('wide', { qos: 1 });
  const second = await connectAsync(`mqtt://127.0.0.1:${other.mqttPort}`, {
    ...roaming,
    username: mint.tenant,
    password: await mint({ mqtt: { publish: [], subscribe: ['narrow'] } }),
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  const answer = await Promise.race([
    first.subscribeAsync('secret', { qos: 1 }).then(() => 'granted'),
    new Promise((resolve) => first.once('close', () => resolve('closed'))),
  ]);
  expect(answer).toBe('closed');
  const session = { tenant: vouchedTenantId('acme'), clientId: 'roaming' };
  expect(await service.stores.sessionSubscriptions.list(session)).toEqual([]);
  await second.endAsync(true);
  await other.close();
});
