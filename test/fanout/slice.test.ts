import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, expect, test } from 'vitest';
import type { FanoutSlice } from '../../lib/core/model.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { openRaw, type RawClient } from '../support/raw-client.ts';
import { localTables, startTestService, type TestService } from '../support/service.ts';

let service: TestService | undefined;
afterEach(() => service?.close());

/** Five subscribers in one slice, batches of two, and a worker that stops after each batch. */
async function open(qos: 0 | 1) {
  const sent: FanoutSlice[] = [];
  const made = await startTestService({
    settings: {
      ...defaultSettings,
      inlineAudience: 1,
      fanoutSlices: 1,
      sliceBatchClients: 2,
      sliceSeconds: 0,
    },
    wrapPorts: (ports) => ({ ...ports, fanout: { send: async (slices) => void sent.push(...slices) } }),
  });
  service = made;
  const mint = await made.tenant('acme');
  const connect = async (clientId: string): Promise<RawClient> => {
    const client = await openRaw(made.url);
    await client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId,
      clean: true,
      keepalive: 0,
      username: mint.tenant,
      password: Buffer.from(await mint()),
    });
    return client;
  };
  const clients: RawClient[] = [];
  for (const clientId of ['a', 'b', 'c', 'd', 'e']) {
    const client = await connect(clientId);
    await client.send(subscribe(1, { topic: 't', qos }));
    clients.push(client);
  }
  await (await connect('publisher')).send(publish('t', 'x', qos === 0 ? {} : { qos, messageId: 1 }));
  const [slice] = sent;
  if (slice === undefined) throw new Error('nothing was sent to the queue');
  const positions: string[] = [];
  const range = { slice: 0, slices: 1 };
  for await (const { position } of made.stores.subscriptions.range(slice.tenant, 't', range, true))
    positions.push(position);
  return {
    service: made,
    slice,
    positions,
    store: made.stores.messages,
    work: (isRetry: boolean) => made.service.broker.slices([slice], isRetry),
    got: async () => {
      const inboxes = await Promise.all(clients.map((client) => client.settle()));
      return inboxes.map(({ length }) => length).reduce((sum, length) => sum + length, 0);
    },
  };
}

test.each([0, 1] as const)(
  'a worker that hit its time limit continues where it stopped, QoS %i',
  async (qos) => {
    const { work, got, slice, positions, store } = await open(qos);
    expect(await work(false)).toBe('unfinished');
    expect(await store.progress(slice)).toEqual({ done: positions[1], begun: positions[1] });
    expect(await got()).toBe(2);
    expect(await work(true)).toBe('unfinished');
    expect(await got()).toBe(2);
    expect(await work(true)).toBe('done');
    expect(await got()).toBe(1);
  },
);

test('clients of a batch that a dead worker had begun get no second QoS 0 message, in any attempt', async () => {
  const { work, got, slice, positions, store } = await open(0);
  const [, second = '', , , fifth = ''] = positions;
  await store.setProgress(slice, { done: second, begun: fifth });
  expect(await work(true)).toBe('unfinished');
  expect(await store.progress(slice)).toEqual({ done: positions[3], begun: fifth });
  expect(await work(true)).toBe('done');
  expect(await got()).toBe(0);
});

test('clients of such a batch get the QoS 1 message, perhaps twice', async () => {
  const { work, got, slice, positions, store } = await open(1);
  await store.setProgress(slice, { done: positions[1] ?? '', begun: positions[3] ?? '' });
  expect(await work(true)).toBe('unfinished');
  expect(await work(true)).toBe('done');
  expect(await got()).toBe(3);
});

test.each([0, 1] as const)(
  'a session row of another format version is left out; the other clients get the message once, QoS %i',
  async (qos) => {
    const { service, slice, work, got } = await open(qos);
    await setFormatVersion(service, `${slice.tenant}/c`, 2);
    expect(await work(false)).toBe('unfinished');
    expect(await work(true)).toBe('unfinished');
    expect(await work(true)).toBe('done');
    expect(await got()).toBe(4);
    // At QoS 0 the client has no route, as if it were offline.
    expect(service.logged.filter((line) => line.includes('cannot be read'))).toHaveLength(qos);
  },
);

/** Gives a session row another format version, as another release would store it. */
async function setFormatVersion(service: TestService, session: string, version: number): Promise<void> {
  const client = new DynamoDBClient({
    endpoint: await service.exposeTables(),
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  await client.send(
    new UpdateItemCommand({
      TableName: localTables.sessions,
      Key: { session: { S: session }, kind: { S: 'session' } },
      UpdateExpression: 'SET v = :v',
      ExpressionAttributeValues: { ':v': { N: String(version) } },
    }),
  );
  client.destroy();
}
