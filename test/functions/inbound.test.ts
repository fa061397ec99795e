import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInboundHandler } from '../../functions/inbound.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import { inbox, type Mint, startTestService, type TestService } from '../support/service.ts';

let service: TestService;
let acme: Mint;
let sqs: ReturnType<typeof createSqsClient>;
const urlOf = (name: 'wisp-inbound' | 'wisp-inbound-failed') => service.queues.urlOf(name as never);

beforeAll(async () => {
  service = await startTestService();
  acme = await service.tenant('acme');
  sqs = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: service.queues.requestHandler,
  });
});
afterAll(() => service.close());

async function subscriber(filter: string, qos: 0 | 1 | 2 = 2) {
  const client = await service.connect(acme, { clientId: `of ${filter} ${qos}` });
  const received = inbox(client);
  await client.subscribeAsync(filter, { qos });
  return received;
}

type Attributes = Record<string, { DataType: string; StringValue: string }>;
const texts = (values: Record<string, string>): Attributes =>
  Object.fromEntries(
    Object.entries(values).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
  );

const enqueue = (MessageBody: string, MessageAttributes: Attributes = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl: urlOf('wisp-inbound'), MessageBody, MessageAttributes }));

const asJson = (value: object) => enqueue(JSON.stringify(value));

/** Waits for the next dead letter. */
async function deadLetter() {
  for (;;) {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: urlOf('wisp-inbound-failed'),
        MessageAttributeNames: ['All'],
        WaitTimeSeconds: 1,
      }),
    );
    const [message] = Messages;
    if (message !== undefined)
      return {
        body: message.Body,
        attributes: Object.fromEntries(
          Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [name, value.StringValue]),
        ),
      };
  }
}

describe('a message of the queue', () => {
  it.each([
    [{ payload: { t: 21 } }, '{"t":21}'],
    [{ payload: 'x' }, '"x"'],
    [{ payload: null }, 'null'],
    [{ payloadText: 'x' }, 'x'],
    [{ payloadBase64: 'eA==' }, 'x'],
    [{}, ''],
  ])('%j is published with the payload %s', async (payload, text) => {
    const received = await subscriber('json/#');
    await asJson({ tenant: 'acme', topic: 'json/a', qos: 1, ...payload });
    expect(await received.next()).toMatchObject({ topic: 'json/a', qos: 1, text });
  });

  it('has properties', async () => {
    const received = await subscriber('properties/#');
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: 'eA==',
      userProperties: [['a', 'b']],
      expirySeconds: 60,
    };
    await asJson({ tenant: 'acme', topic: 'properties/a', payloadText: 'x', properties });
    expect((await received.next()).properties).toMatchObject({
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: Buffer.from('x'),
      userProperties: { a: 'b' },
      messageExpiryInterval: 60,
    });
  });

  it('with the attributes tenant and topic is the payload, and may be retained', async () => {
    const received = await subscriber('raw/#');
    await enqueue(
      '{not json',
      texts({ tenant: 'acme', topic: 'raw/a', qos: '2', retain: 'true', more: '1' }),
    );
    expect(await received.next()).toMatchObject({ topic: 'raw/a', qos: 2, text: '{not json' });
    expect(await (await subscriber('raw/+')).next()).toMatchObject({ retain: true });
  });
});

describe('a message that cannot be published', () => {
  it.each([
    ['{', 'inbound-message'],
    ['[]', 'inbound-message'],
    [JSON.stringify({ topic: 'a' }), 'inbound-message'],
    [JSON.stringify({ tenant: 'Acme!', topic: 'a' }), 'inbound-message'],
    [JSON.stringify({ tenant: 'acme', topic: 'a', more: 1 }), 'inbound-message'],
    [JSON.stringify({ tenant: 'acme', topic: 'a', payload: 1, payloadText: '' }), 'inbound-message'],
    [JSON.stringify({ tenant: 'acme', topic: 'a', payloadBase64: '!' }), 'inbound-message'],
    [JSON.stringify({ tenant: 'nobody', topic: 'a' }), 'tenant-unknown'],
    [JSON.stringify({ tenant: 'acme', topic: 'a/#' }), 'topic-wildcard'],
    [JSON.stringify({ tenant: 'acme', topic: '$SYS/a' }), 'publish-not-authorized'],
    [JSON.stringify({ tenant: 'acme', topic: 'a', clientId: 'x'.repeat(257) }), 'client-id'],
    [`{"Type":"Notification","Message":"{}"}`, 'inbound-message'],
  ])('%s becomes a dead letter at once: %s', async (body, reason) => {
    const before = service.counters.get('InboundRefused') ?? 0;
    await enqueue(body);
    expect(await deadLetter()).toMatchObject({ body, attributes: { reason, detail: expect.any(String) } });
    await service.queues.idle();
    expect(service.counters.get('InboundRefused')).toBe(before + 1);
  });

  it('keeps its attributes, and is too large', async () => {
    const body = 'x'.repeat(140_000);
    await enqueue(body, texts({ tenant: 'acme', topic: 'large', mine: 'kept' }));
    expect(await deadLetter()).toEqual({
      body,
      attributes: {
        tenant: 'acme',
        topic: 'large',
        mine: 'kept',
        reason: 'packet-too-large',
        detail: expect.any(String),
      },
    });
  });
});

/** Calls the handler with a batch, as Lambda does. */
async function handle(records: readonly { body: string; receives?: number; id?: string }[]) {
  const handler = createInboundHandler(() => ({
    context: service.service.context,
    sqs,
    queueUrl: urlOf('wisp-inbound'),
    deadLetterUrl: urlOf('wisp-inbound-failed'),
    flush: async () => undefined,
  }));
  const { batchItemFailures } = await handler({
    Records: records.map(({ body, receives = 1, id }, index) => ({
      messageId: id ?? `m${index}`,
      receiptHandle: `r${index}`,
      body,
      attributes: { ApproximateReceiveCount: String(receives) },
    })),
  });
  return batchItemFailures.map(({ itemIdentifier }) => itemIdentifier);
}

async function admin(method: string, path: string, body?: object): Promise<void> {
  const { ok } = await fetch(`${service.adminUrl}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(ok).toBe(true);
}

describe('a batch', () => {
  it('keeps only what is to be tried again: suspended tenants and quotas', async () => {
    await service.tenant('asleep');
    await service.tenant('busy');
    await admin('POST', '/tenants/asleep/suspend');
    await admin('PUT', '/tenants/busy/quotas', { publishesPerSecond: 1 });
    const received = await subscriber('batch/#');
    const busy = Array.from({ length: 30 }, (_, index) => ({
      body: JSON.stringify({ tenant: 'busy', topic: `t/${index}` }),
      id: `busy${index}`,
    }));
    let refused: string[] = [];
    for (let calls = 0; refused.length === 0 && calls < 20; calls += 1) refused = await handle(busy);
    expect(refused).toHaveLength(30);
    const left = await handle([
      { body: JSON.stringify({ tenant: 'acme', topic: 'batch/1', payloadText: '1' }) },
      { body: 'no json' },
      { body: JSON.stringify({ tenant: 'asleep', topic: 'a' }) },
      ...busy,
    ]);
    expect(left).toEqual(['m2', ...busy.map(({ id }) => id)]);
    expect(await received.next()).toMatchObject({ text: '1' });
    expect(await deadLetter()).toMatchObject({ attributes: { reason: 'inbound-message' } });
  });

  it('gives up what has waited for 900 receives', async () => {
    const body = JSON.stringify({ tenant: 'asleep', topic: 'a' });
    expect(await handle([{ body, receives: 899 }])).toEqual(['m0']);
    expect(await handle([{ body, receives: 900 }])).toEqual([]);
    expect(await deadLetter()).toMatchObject({ body, attributes: { reason: 'tenant-inactive' } });
  });

  it('received again is published once at QoS 2, by the id of the message or its own', async () => {
    const received = await subscriber('again/#');
    const body = (n: number, more = {}) =>
      JSON.stringify({ tenant: 'acme', topic: 'again/a', qos: 2, payload: n, ...more });
    await handle([{ body: body(1), id: 'same' }]);
    await received.next();
    await handle([{ body: body(1), id: 'same', receives: 2 }]);
    await handle([{ body: body(2, { id: 'order-7' }), id: 'x' }]);
    await handle([{ body: body(2, { id: 'order-7' }), id: 'y' }]);
    await handle([{ body: body(3), id: 'last' }]);
    expect((await received.take(2)).map(({ text }) => text)).toEqual(['2', '3']);
  });
});
