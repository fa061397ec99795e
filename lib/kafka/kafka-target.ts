import { compatibilityPartitioner, ProduceAcks, Producer, type ProducerOptions } from '@platformatic/kafka';
import type { RuleSecrets } from '../core/rule-secrets.ts';
import type { KafkaTarget, Rule } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { isMskBroker } from '../rules/msk-brokers.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort } from '../rules/target.ts';
import { outcomeOfKafkaError } from './outcomes.ts';

export interface KafkaTargetOptions {
  readonly secrets: Pick<RuleSecrets, 'read'>;
  /** A token of IAM for the brokers of a region. Absent: rules that need one are not served. */
  readonly iamToken?: (region: string) => Promise<string>;
  /** Certificate authorities (PEM) that replace Node's own. */
  readonly ca?: string;
  /** Total time of one batch in ms. Default: 10,000. */
  readonly timeoutMs?: number;
}

type RecordProducer = Producer<Buffer, Buffer, Buffer, Buffer>;
type Sasl = NonNullable<ProducerOptions<Buffer, Buffer, Buffer, Buffer>['sasl']>;

/** Records of one call: as many as the rule queue gives at once. */
const batchRecords = 10;
const defaultTimeoutMs = 10_000;
/** How long a producer uses what it knows of the cluster, in ms. */
const metadataMs = 60_000;
/** Connected producers that one function keeps; the oldest is closed for a new one. */
const maxProducers = 50;
const scramMechanisms = { 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;

/**
 * Produces records to a topic of Apache Kafka, acknowledged by all in-sync replicas. The key is the
 * MQTT topic unless the rule names another; partitions are chosen as Java clients choose them, so
 * that one key stays in one partition. A repetition has the same header `wisp-id`.
 */
export function createKafkaTarget(options: KafkaTargetOptions): RuleTargetPort & { close(): Promise<void> } {
  const { timeoutMs = defaultTimeoutMs } = options;
  const producers = new Map<string, RecordProducer>();

  async function drop(key: string): Promise<void> {
    const producer = producers.get(key);
    producers.delete(key);
    await producer?.close().catch(() => undefined);
  }

  async function producerFor(
    key: string,
    target: KafkaTarget,
    sasl: Sasl | undefined,
  ): Promise<RecordProducer> {
    const known = producers.get(key);
    if (known !== undefined) return known;
    const [oldest] = producers.keys();
    if (producers.size >= maxProducers && oldest !== undefined) await drop(oldest);
    const producer: RecordProducer = new Producer({
      clientId: 'wisp',
      bootstrapBrokers: [...target.brokers],
      acks: ProduceAcks.ALL,
      partitioner: compatibilityPartitioner,
      // Enough for a partition that gets another leader; the worker tries again later.
      retries: 2,
      retryDelay: 200,
      metadataMaxAge: metadataMs,
      connectTimeout: Math.ceil(timeoutMs / 3),
      requestTimeout: timeoutMs,
      ...(target.tls
        ? { tls: { rejectUnauthorized: true, ...(options.ca === undefined ? {} : { ca: options.ca }) } }
        : {}),
      ...(target.tls ? { tlsServerName: true } : {}),
      ...(sasl === undefined ? {} : { sasl }),
    });
    producers.set(key, producer);
    return producer;
  }

  async function produce(
    target: KafkaTarget,
    rule: Rule,
    tenant: TenantId,
    deliveries: readonly RuleDelivery[],
  ): Promise<DeliveryOutcome> {
    const sasl = await saslOf(target, rule, tenant, options);
    if (sasl === 'missing') return { kind: 'retry', code: 'rule-secret-missing' };
    const key = JSON.stringify([tenant, rule.name, target, sasl?.password ?? '']);
    try {
      const producer = await producerFor(key, target, sasl);
      const messages = deliveries.map((delivery) => recordOf(target, delivery));
      await withinTime(producer.send({ messages }), timeoutMs);
      return { kind: 'delivered' };
    } catch (error) {
      // A fresh connection, and metadata, for the next attempt.
      await drop(key);
      return outcomeOfKafkaError(error);
    }
  }

  return {
    maxBatch: batchRecords,
    async deliver(rule, deliveries) {
      const { target } = rule;
      if (target.kind !== 'kafka') throw new TypeError(`${target.kind} is not Kafka`);
      const [first] = deliveries;
      if (first === undefined) return [];
      const { auth, brokers } = target;
      // An earlier release took rules with any broker.
      if (auth.method === 'iam' && !brokers.every((broker) => isMskBroker(broker, auth.region)))
        return deliveries.map(() => ({ kind: 'retry', code: 'rule-broker-not-msk' }));
      const { tenant } = first.record;
      const together = await produce(target, rule, tenant, deliveries);
      if (together.kind !== 'refused' || deliveries.length === 1) return deliveries.map(() => together);
      // One record may have spoilt the batch.
      const outcomes: DeliveryOutcome[] = [];
      for (const delivery of deliveries) {
        const last = outcomes.at(-1);
        outcomes.push(last?.kind === 'retry' ? last : await produce(target, rule, tenant, [delivery]));
      }
      return outcomes;
    },
    async close() {
      await Promise.all([...producers.keys()].map(drop));
    },
  };
}

async function saslOf(
  { auth }: KafkaTarget,
  rule: Rule,
  tenant: TenantId,
  { secrets, iamToken }: KafkaTargetOptions,
): Promise<(Sasl & { readonly password?: string }) | 'missing' | undefined> {
  switch (auth.method) {
    case 'none':
      return undefined;
    case 'iam':
      if (iamToken === undefined) return 'missing';
      return { mechanism: 'OAUTHBEARER', token: () => iamToken(auth.region) };
    case 'scram-sha-256':
    case 'scram-sha-512': {
      const [password] = await secrets.read(tenant, rule.name).catch(() => []);
      if (password === undefined) return 'missing';
      return { mechanism: scramMechanisms[auth.method], username: auth.username, password };
    }
  }
}

function recordOf(target: KafkaTarget, { id, event, body, contentType }: RuleDelivery) {
  return {
    topic: target.topic,
    key: Buffer.from(target.key ?? event.topic),
    value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    headers: new Map([
      [Buffer.from('wisp-id'), Buffer.from(id)],
      [Buffer.from('wisp-topic'), Buffer.from(event.topic)],
      [Buffer.from('content-type'), Buffer.from(contentType)],
    ]),
  };
}

class KafkaTimeoutError extends Error {
  readonly code = 'PLT_KFK_TIMEOUT';
}

async function withinTime<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new KafkaTimeoutError('no answer in time')), timeoutMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
