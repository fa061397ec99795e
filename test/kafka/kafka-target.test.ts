import './with-resolvers.ts';
import { Admin, Consumer, stringDeserializers } from '@platformatic/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KafkaTarget } from '../../lib/core/rules.ts';
import { createKafkaTarget } from '../../lib/kafka/index.ts';
import { deliveryOf, ruleWith } from '../rules/targets/deliveries.ts';
import { cert } from '../support/certificate.ts';
import { lacks } from '../support/tools.ts';
import { type KafkaBroker, kafkaUser, startKafka } from './broker.ts';

const topic = 'orders';
const delivered = { kind: 'delivered' };

it('a token of IAM goes to no broker but those of Amazon MSK', async () => {
  const regions: string[] = [];
  const target = createKafkaTarget({
    secrets: { read: async () => [] },
    iamToken: async (region) => {
      regions.push(region);
      return 'token';
    },
  });
  const to: KafkaTarget = {
    kind: 'kafka',
    brokers: ['localhost:1'],
    topic,
    tls: true,
    auth: { method: 'iam', region: 'eu-west-3' },
  };
  expect(await target.deliver(ruleWith(to), [deliveryOf('x', '{}')])).toEqual([
    { kind: 'retry', code: 'rule-broker-not-msk' },
  ]);
  expect(regions).toEqual([]);
  await target.close();
});

describe.skipIf(lacks('java', 'mvn'))('records in Apache Kafka', () => {
  let broker: KafkaBroker;
  const secrets: { list: readonly string[] } = { list: [kafkaUser.password] };
  const target = createKafkaTarget({
    secrets: { read: async () => secrets.list },
    iamToken: async () => 'token',
    ca: cert,
    timeoutMs: 10_000,
  });
  const plain = (): KafkaTarget => ({
    kind: 'kafka',
    brokers: [broker.plain],
    topic,
    tls: false,
    auth: { method: 'none' },
  });
  const scram = (method: 'scram-sha-256' | 'scram-sha-512'): KafkaTarget => ({
    ...plain(),
    brokers: [broker.scram],
    tls: true,
    auth: { method, username: kafkaUser.username },
  });
  const send = (to: KafkaTarget, ids: readonly string[], options: { topic?: string; body?: string } = {}) =>
    target.deliver(
      ruleWith(to),
      ids.map((id) => deliveryOf(id, options.body ?? `{"id":"${id}"}`, options)),
    );

  beforeAll(async () => {
    broker = await startKafka();
    const admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.plain] });
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
    await admin.close();
  });
  afterAll(async () => {
    await target.close();
    await broker?.close();
  });

  /** The records of the topic, in the order of each partition. */
  async function consumed(count: number) {
    const consumer = new Consumer({
      clientId: 'test',
      groupId: `test-${Math.random()}`,
      bootstrapBrokers: [broker.plain],
      deserializers: stringDeserializers,
    });
    const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
    const found: { key: string; value: string; partition: number; headers: Record<string, string> }[] = [];
    for await (const { key, value, partition, headers } of stream) {
      found.push({ key, value, partition, headers: Object.fromEntries(headers) });
      if (found.length === count) break;
    }
    await consumer.close(true);
    return found;
  }

  it('arrive in order, by topic, through every kind of connection', async () => {
    const first = Array.from({ length: 10 }, (_, index) => `a${index}`);
    expect(await send(plain(), first)).toEqual(first.map(() => delivered));
    expect(await send({ ...plain(), brokers: [broker.tls], tls: true }, ['b'])).toEqual([delivered]);
    expect(await send(scram('scram-sha-256'), ['c'], { topic: 'orders/8' })).toEqual([delivered]);
    expect(await send(scram('scram-sha-512'), ['d'], { topic: 'Grüße' })).toEqual([delivered]);
    expect(await send({ ...plain(), key: 'all' }, ['e'])).toEqual([delivered]);
    const records = await consumed(14);
    const ofKey = (key: string) => records.filter((record) => record.key === key);
    expect(ofKey('orders/7').map(({ value }) => JSON.parse(value).id)).toEqual([...first, 'b']);
    expect(new Set(ofKey('orders/7').map(({ partition }) => partition)).size).toBe(1);
    expect(ofKey('orders/8')).toHaveLength(1);
    expect(ofKey('Grüße')[0]?.headers).toEqual({
      'wisp-id': 'd.orders',
      'wisp-topic': 'Grüße',
      'content-type': 'application/json',
    });
    expect(ofKey('all')).toHaveLength(1);
  });

  it('that are too large are refused, and those beside them arrive', async () => {
    const large = deliveryOf('large', 'x'.repeat(200_000));
    const outcomes = await target.deliver(ruleWith(plain()), [
      deliveryOf('s1', '{}'),
      large,
      deliveryOf('s2', '{}'),
    ]);
    expect(outcomes).toEqual([delivered, { kind: 'refused', code: 'rule-body-too-large' }, delivered]);
  });

  it('are tried again while the topic, the broker, the password or its secret is missing', async () => {
    const again = (code: string) => [{ kind: 'retry', code }];
    expect(await send({ ...plain(), topic: 'missing' }, ['x'])).toEqual(again('rule-target-missing'));
    expect(await send({ ...plain(), brokers: ['localhost:1'] }, ['x'])).toEqual(
      again('rule-target-connection'),
    );
    secrets.list = ['wrong'];
    expect(await send(scram('scram-sha-256'), ['x'])).toEqual(again('rule-target-access'));
    secrets.list = [];
    expect(await send(scram('scram-sha-256'), ['x'])).toEqual(again('rule-secret-missing'));
    secrets.list = [kafkaUser.password];
    expect(
      await send({ ...scram('scram-sha-256'), auth: { method: 'iam', region: 'eu-west-3' } }, ['x']),
    ).toEqual(again('rule-broker-not-msk'));
    expect(await send(scram('scram-sha-256'), ['y'])).toEqual([delivered]);
  });

  it('reach no broker whose certificate is of another authority', async () => {
    const strict = createKafkaTarget({ secrets: { read: async () => [] }, timeoutMs: 5_000 });
    const to = { ...plain(), brokers: [broker.tls], tls: true };
    expect(await strict.deliver(ruleWith(to), [deliveryOf('x', '{}')])).toEqual([
      { kind: 'retry', code: 'rule-target-connection' },
    ]);
    await strict.close();
  });
});
