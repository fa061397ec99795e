import { describe, expect, it, test } from 'vitest';
import { functionEnvironment } from '../../../lib/aws/environment.ts';
import { ownResourcesOf } from '../../../lib/aws/rule-service.ts';
import type { OwnResources } from '../../../lib/aws/rule-targets/clients.ts';
import { createRuleTargets } from '../../../lib/aws/rule-targets/index.ts';
import { localCredentials } from '../../../lib/aws/settings.ts';
import type { RuleTarget } from '../../../lib/core/rules.ts';
import {
  type AwsResponse,
  createRequestHandler,
  inputOf,
  jsonResponse,
  operationOf,
} from '../../../lib/local/aws-json.ts';
import { openQueueService } from '../../../lib/local/queue/index.ts';
import type { RuleDelivery } from '../../../lib/rules/target.ts';
import { deliveryOf, ruleWith } from './deliveries.ts';

interface Call {
  readonly operation: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly input: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** A service of AWS that answers as the test says. */
function service(answer: (call: Call) => AwsResponse, own?: OwnResources) {
  const calls: Call[] = [];
  const requestHandler = createRequestHandler(async (request) => {
    const { body, headers } = request;
    const call = {
      operation: operationOf(request),
      host: headers.host ?? '',
      path: 'path' in request ? String(request.path) : '',
      headers,
      input: inputOf(request) ?? {},
      body: body instanceof Uint8Array ? Buffer.from(body).toString('utf8') : String(body ?? ''),
    };
    calls.push(call);
    return answer(call);
  });
  const targets = createRuleTargets({
    webhook: { secrets: { read: async () => [] }, nowMs: () => 0 },
    aws: {
      credentials: localCredentials,
      requestHandler,
      ...(own === undefined ? {} : { ownResources: own }),
    },
  });
  return {
    calls,
    deliver(target: RuleTarget, deliveries: readonly RuleDelivery[]) {
      return targets[target.kind]?.deliver(ruleWith(target), deliveries);
    },
  };
}

const ok = (body: unknown) => jsonResponse(200, body);
const failure = (type: string, status = 400, message = 'no') =>
  jsonResponse(status, { __type: type, message });
const delivered = { kind: 'delivered' };
const messages = (count: number, body = '{"n":1}') =>
  Array.from({ length: count }, (_, index) => deliveryOf(`m${index}`, body));

const queue: RuleTarget = { kind: 'sqs', queueArn: 'arn:aws:sqs:eu-west-3:123456789012:orders' };
const stream: RuleTarget = {
  kind: 'kinesis',
  streamArn: 'arn:aws:kinesis:eu-west-3:123456789012:stream/orders',
};
const firehose: RuleTarget = {
  kind: 'firehose',
  streamArn: 'arn:aws:firehose:eu-west-3:123456789012:deliverystream/orders',
};
const bus: RuleTarget = {
  kind: 'eventbridge',
  busArn: 'arn:aws:events:eu-west-3:123456789012:event-bus/orders',
  source: 'shop',
  detailType: 'order',
};
const table: RuleTarget = {
  kind: 'dynamodb',
  tableArn: 'arn:aws:dynamodb:eu-west-3:123456789012:table/orders',
};
const fn: RuleTarget = {
  kind: 'lambda',
  functionArn: 'arn:aws:lambda:eu-west-3:123456789012:function:orders:live',
};

describe('SQS', () => {
  it('gets the body with attributes that describe it, in the region of the ARN', async () => {
    const { calls, deliver } = service(() => ok({ Successful: [], Failed: [] }));
    expect(await deliver(queue, [deliveryOf('m1', '{"n":1}')])).toEqual([delivered]);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({
      operation: 'SendMessageBatch',
      host: 'sqs.eu-west-3.amazonaws.com',
      input: { QueueUrl: 'https://sqs.eu-west-3.amazonaws.com/123456789012/orders' },
    });
    expect(calls[0]?.input.Entries).toEqual([
      {
        Id: '0',
        MessageBody: '{"n":1}',
        MessageAttributes: {
          'wisp-id': { DataType: 'String', StringValue: 'm1.orders' },
          'wisp-topic': { DataType: 'String', StringValue: 'orders/7' },
          'content-type': { DataType: 'String', StringValue: 'application/json' },
        },
      },
    ]);
  });

  it('gets what is no text as Base64, and nothing that is empty', async () => {
    const { calls, deliver } = service(() => ok({}));
    const bodies = [Uint8Array.of(0xff, 0xfe), 'a\u0000b', ''];
    const outcomes = await deliver(
      queue,
      bodies.map((body, index) => deliveryOf(`m${index}`, body)),
    );
    expect(outcomes).toEqual([delivered, delivered, { kind: 'refused', code: 'rule-body-empty' }]);
    const entries = calls[0]?.input.Entries as { MessageBody: string; MessageAttributes: object }[];
    expect(entries.map(({ MessageBody }) => MessageBody)).toEqual(['//4=', 'YQBi']);
    expect(entries[0]?.MessageAttributes).toMatchObject({ 'wisp-encoding': { StringValue: 'base64' } });
  });

  it('of FIFO gets groups and deduplication ids, whatever the topic is', async () => {
    const { calls, deliver } = service(() => ok({}));
    const queueArn = 'arn:aws:sqs:eu-west-3:123456789012:orders.fifo';
    const topics = ['orders/7', 'Grüße/7', 'x/'.repeat(100)];
    const deliveries = topics.map((topic, index) => deliveryOf(`m${index}`, '{}', { topic }));
    await deliver({ kind: 'sqs', queueArn }, deliveries);
    await deliver({ kind: 'sqs', queueArn, messageGroupId: 'all' }, deliveries.slice(0, 1));
    const entries = calls.flatMap(({ input }) => input.Entries as Record<string, string>[]);
    expect(entries.map((entry) => entry.MessageDeduplicationId)).toEqual([
      'm0.orders',
      'm1.orders',
      'm2.orders',
      'm0.orders',
    ]);
    expect(entries.map((entry) => entry.MessageGroupId)).toEqual([
      'orders/7',
      expect.stringMatching(/^[\w-]{43}$/),
      expect.stringMatching(/^[\w-]{43}$/),
      'all',
    ]);
  });

  it('gets requests of 256 KB at most; a message of more than 1 MiB is refused', async () => {
    const { calls, deliver } = service(() => ok({}));
    const sizes = [100_000, 100_000, 100_000, 1_048_576];
    const outcomes = await deliver(
      queue,
      sizes.map((size, index) => deliveryOf(`m${index}`, 'x'.repeat(size))),
    );
    expect(outcomes?.map(({ kind }) => kind)).toEqual(['delivered', 'delivered', 'delivered', 'refused']);
    expect(calls.map(({ input }) => (input.Entries as unknown[]).length)).toEqual([2, 1]);
  });

  it('that takes one message and not the next: that one and all behind it are tried again', async () => {
    const { deliver } = service(() =>
      ok({ Failed: [{ Id: '1', Code: 'InternalError', SenderFault: false }] }),
    );
    const again = { kind: 'retry', code: 'rule-target-unavailable' };
    expect(await deliver(queue, messages(4))).toEqual([delivered, again, again, again]);
  });

  it('that refuses a whole request gets the messages one by one, so that one cannot hold up others', async () => {
    const { calls, deliver } = service(({ input }) => {
      const entries = input.Entries as { MessageBody: string }[];
      const spoilt = entries.some(({ MessageBody }) => MessageBody === 'bad');
      return spoilt ? failure('InvalidParameterValue') : ok({});
    });
    const bodies = ['a', 'bad', 'c'];
    expect(
      await deliver(
        queue,
        bodies.map((body, index) => deliveryOf(`m${index}`, body)),
      ),
    ).toEqual([delivered, { kind: 'refused', code: 'rule-target-refused' }, delivered]);
    expect(calls).toHaveLength(4);
  });

  it('embedded in this process takes a batch', async () => {
    const queues = await openQueueService({ queues: { 'orders.fifo': {} } });
    const { sqs } = createRuleTargets({
      webhook: { secrets: { read: async () => [] }, nowMs: () => 0 },
      aws: { credentials: localCredentials, requestHandler: queues.requestHandler },
    });
    const target = { kind: 'sqs', queueArn: 'arn:aws:sqs:us-east-1:000000000000:orders.fifo' } as const;
    const rule = ruleWith(target);
    expect(await sqs?.deliver(rule, messages(10))).toEqual(Array(10).fill(delivered));
    expect(await sqs?.deliver(rule, messages(10))).toEqual(Array(10).fill(delivered));
    expect(queues.counts('orders.fifo').visible).toBe(10);
    const missing = { ...target, queueArn: `${target.queueArn}.other` };
    expect(await sqs?.deliver(ruleWith(missing), messages(1))).toEqual([
      { kind: 'retry', code: 'rule-target-missing' },
    ]);
    await queues.close();
  });
});

describe('what an error of a service means', () => {
  it.each([
    ['AccessDeniedException', 400, 'retry', 'rule-target-access'],
    ['KMSAccessDeniedException', 400, 'retry', 'rule-target-access'],
    ['KMSDisabledException', 400, 'retry', 'rule-target-access'],
    ['UnrecognizedClientException', 400, 'retry', 'rule-target-access'],
    ['ResourceNotFoundException', 400, 'retry', 'rule-target-missing'],
    ['QueueDoesNotExist', 400, 'retry', 'rule-target-missing'],
    ['ThrottlingException', 400, 'retry', 'rule-target-busy'],
    ['ProvisionedThroughputExceededException', 400, 'retry', 'rule-target-busy'],
    ['RequestThrottled', 403, 'retry', 'rule-target-busy'],
    ['InternalFailure', 500, 'retry', 'rule-target-unavailable'],
    ['SomethingNew', 400, 'retry', 'rule-target-unavailable'],
    ['ValidationException', 400, 'refused', 'rule-target-refused'],
    ['InvalidArgumentException', 400, 'refused', 'rule-target-refused'],
    ['BatchRequestTooLong', 400, 'refused', 'rule-body-too-large'],
  ])('%s', async (type, status, kind, code) => {
    const { deliver } = service(() => failure(type, status));
    expect(await deliver(stream, messages(1))).toEqual([{ kind, code }]);
    expect(await deliver(queue, messages(1))).toEqual([{ kind, code }]);
  });
});

it('a target whose ARN has no region is tried again', async () => {
  const { deliver } = service(() => ok({}));
  const again = { kind: 'retry', code: 'rule-target-unavailable' };
  for (let attempt = 0; attempt < 2; attempt += 1)
    expect(await deliver({ kind: 'sqs', queueArn: 'arn:aws:sqs' }, messages(2))).toEqual([again, again]);
});

describe('Kinesis', () => {
  it('gets the topic as key; behind a record that it refuses all are sent again', async () => {
    const { calls, deliver } = service(() =>
      ok({
        FailedRecordCount: 1,
        Records: [{ SequenceNumber: '1' }, { ErrorCode: 'ProvisionedThroughputExceededException' }, {}],
      }),
    );
    const long = 'x'.repeat(257);
    const deliveries = [deliveryOf('m1', 'a'), deliveryOf('m2', '', { topic: long }), deliveryOf('m3', 'c')];
    const busy = { kind: 'retry', code: 'rule-target-busy' };
    expect(await deliver(stream, deliveries)).toEqual([delivered, busy, busy]);
    expect(calls[0]?.input.StreamARN).toBe(stream.kind === 'kinesis' ? stream.streamArn : '');
    const records = calls[0]?.input.Records as { Data: string; PartitionKey: string }[];
    expect(records.map(({ Data }) => Buffer.from(Data, 'base64').toString())).toEqual(['a', '', 'c']);
    expect(records.map(({ PartitionKey }) => PartitionKey)).toEqual([
      'orders/7',
      expect.stringMatching(/^[\w-]{43}$/),
      'orders/7',
    ]);
  });
});

describe('Firehose', () => {
  it('gets each record on a line of its own', async () => {
    const { calls, deliver } = service(() =>
      ok({
        FailedPutCount: 1,
        RequestResponses: [
          { RecordId: '1' },
          { RecordId: '2' },
          { ErrorCode: 'ServiceUnavailableException' },
        ],
      }),
    );
    const bodies = ['{"n":1}', '{"n":2}\n', ''];
    expect(
      await deliver(
        firehose,
        bodies.map((body, index) => deliveryOf(`m${index}`, body)),
      ),
    ).toEqual([delivered, delivered, { kind: 'retry', code: 'rule-target-busy' }]);
    expect(calls[0]?.input.DeliveryStreamName).toBe('orders');
    const records = calls[0]?.input.Records as { Data: string }[];
    expect(records.map(({ Data }) => Buffer.from(Data, 'base64').toString())).toEqual([
      '{"n":1}\n',
      '{"n":2}\n',
      '\n',
    ]);
  });
});

test('no publisher adds a line to an object of Firehose by JSON with line breaks', async () => {
  const { calls, deliver } = service(() => ok({ FailedPutCount: 0, RequestResponses: [{ RecordId: 'r' }] }));
  // The second line would be an envelope of another tenant.
  const body = '{"tenant":"acme","payload":{"a":\r\n{"tenant":"other","id":"x"}\n}}\n';
  expect(await deliver(firehose, [deliveryOf('m', body)])).toEqual([delivered]);
  const [record] = (calls[0]?.input.Records ?? []) as { Data: string }[];
  const text = Buffer.from(record?.Data ?? '', 'base64').toString();
  expect(text.match(/[\r\n]/g)).toEqual(['\n']);
  expect(JSON.parse(text)).toEqual(JSON.parse(body));
});

describe('EventBridge', () => {
  it('gets JSON objects as detail, with the time of the message; other bodies are refused', async () => {
    const { calls, deliver } = service(({ input }) =>
      ok({ FailedEntryCount: 0, Entries: (input.Entries as unknown[]).map(() => ({ EventId: 'e' })) }),
    );
    const bodies = ['{"n":1}', '[1]', 'null', 'text', `{"n":"${'x'.repeat(262_144)}"}`];
    const outcomes = await deliver(
      bus,
      bodies.map((body, index) => deliveryOf(`m${index}`, body)),
    );
    const none = { kind: 'refused', code: 'rule-body-not-object' };
    expect(outcomes).toEqual([delivered, none, none, none, { kind: 'refused', code: 'rule-body-too-large' }]);
    expect(calls[0]?.input.Entries).toEqual([
      {
        EventBusName: bus.kind === 'eventbridge' ? bus.busArn : '',
        Source: 'shop',
        DetailType: 'order',
        Time: 1_700_000_000,
        Detail: '{"n":1}',
      },
    ]);
  });

  it('never has the source of lifecycle events, which an earlier release took', async () => {
    const { calls, deliver } = service(() => ok({ FailedEntryCount: 0, Entries: [{ EventId: 'e' }] }));
    await deliver({ ...bus, source: 'wisp' } as RuleTarget, [deliveryOf('e', '{"n":1}')]);
    expect(calls[0]?.input.Entries).toMatchObject([{ Source: 'wisp.rules' }]);
  });

  it('that refuses an entry', async () => {
    const { deliver } = service(() =>
      ok({
        FailedEntryCount: 2,
        Entries: [{ ErrorCode: 'MalformedDetail' }, { ErrorCode: 'ThrottlingException' }],
      }),
    );
    expect(await deliver(bus, messages(2))).toEqual([
      { kind: 'refused', code: 'rule-target-refused' },
      { kind: 'retry', code: 'rule-target-busy' },
    ]);
  });
});

describe('DynamoDB', () => {
  it('gets the members of the object as attributes', async () => {
    const { calls, deliver } = service(() => ok({}));
    const body = JSON.stringify({ id: 'a', n: 1.5, ok: true, none: null, list: [1, 'b'], map: { c: [] } });
    const deep = `{"deep":${'['.repeat(40)}1${']'.repeat(40)}}`;
    expect(
      await deliver(table, [deliveryOf('m1', body), deliveryOf('m2', deep), deliveryOf('m3', '3')]),
    ).toEqual([delivered, delivered, { kind: 'refused', code: 'rule-body-not-object' }]);
    expect(calls[0]?.input).toEqual({
      TableName: 'orders',
      Item: {
        id: { S: 'a' },
        n: { N: '1.5' },
        ok: { BOOL: true },
        none: { NULL: true },
        list: { L: [{ N: '1' }, { S: 'b' }] },
        map: { M: { c: { L: [] } } },
      },
    });
    expect(calls[1]?.body.match(/"L"/g)).toHaveLength(31);
  });

  it('refuses items without a key or that are too large, and the next one is put', async () => {
    const { deliver } = service(({ body }) => {
      if (body.includes('keyless'))
        return failure(
          'ValidationException',
          400,
          'One or more parameter values were invalid: Missing the key id in the item',
        );
      if (body.includes('large'))
        return failure('ValidationException', 400, 'Item size has exceeded the maximum allowed size');
      return ok({});
    });
    const bodies = ['{"a":"keyless"}', '{"a":"large"}', '{"a":"b"}'];
    expect(
      await deliver(
        table,
        bodies.map((body, index) => deliveryOf(`m${index}`, body)),
      ),
    ).toEqual([
      { kind: 'refused', code: 'rule-key-missing' },
      { kind: 'refused', code: 'rule-body-too-large' },
      delivered,
    ]);
  });

  it('that throttles stops the rest, so that older items cannot overtake newer ones', async () => {
    let puts = 0;
    const { deliver } = service(() => {
      puts += 1;
      return puts === 1 ? ok({}) : failure('ProvisionedThroughputExceededException');
    });
    const outcomes = await deliver(table, messages(4));
    expect(outcomes?.map(({ kind }) => kind)).toEqual(['delivered', 'retry', 'retry', 'retry']);
    expect(puts).toBe(3);
  });
});

describe('Lambda', () => {
  it('is invoked asynchronously with the body, at the alias of the ARN', async () => {
    const { calls, deliver } = service(({ body }) =>
      body === 'text'
        ? { ...failure('x'), headers: { 'x-amzn-errortype': 'InvalidRequestContentException' } }
        : { ...ok({}), statusCode: 202 },
    );
    const bodies = ['{"n":1}', 'text', '', 'x'.repeat(1_048_577)];
    const outcomes = await deliver(
      fn,
      bodies.map((body, index) => deliveryOf(`m${index}`, body)),
    );
    expect(outcomes).toEqual([
      delivered,
      { kind: 'refused', code: 'rule-body-not-json' },
      { kind: 'refused', code: 'rule-body-empty' },
      { kind: 'refused', code: 'rule-body-too-large' },
    ]);
    expect(calls[0]).toMatchObject({
      host: 'lambda.eu-west-3.amazonaws.com',
      body: '{"n":1}',
      headers: { 'x-amz-invocation-type': 'Event' },
    });
    expect(decodeURIComponent(calls[0]?.path ?? '')).toContain(fn.kind === 'lambda' ? fn.functionArn : '-');
  });
});

describe('a target in another account', () => {
  const roleArn = 'arn:aws:iam::210987654321:role/wisp';
  const assumed = (minutes: number): AwsResponse => {
    const text = `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
      <AccessKeyId>ASIATHEIRS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
      <Expiration>${new Date(Date.now() + minutes * 60_000).toISOString()}</Expiration>
      </Credentials></AssumeRoleResult></AssumeRoleResponse>`;
    return { statusCode: 200, headers: { 'content-type': 'text/xml' }, body: Buffer.from(text) };
  };
  const isSts = ({ host }: Call) => host.startsWith('sts.');

  it('is called with the role, whose external id is the tenant; credentials are kept', async () => {
    const { calls, deliver } = service((call) => (isSts(call) ? assumed(60) : ok({})));
    for (let index = 0; index < 3; index += 1)
      expect(await deliver({ ...queue, roleArn } as RuleTarget, messages(1))).toEqual([delivered]);
    const asked = calls.filter(isSts);
    expect(asked).toHaveLength(1);
    const parameters = new URLSearchParams(asked[0]?.body);
    expect(Object.fromEntries(parameters)).toMatchObject({
      Action: 'AssumeRole',
      RoleArn: roleArn,
      ExternalId: 'acme',
      RoleSessionName: 'wisp-acme',
    });
    for (const { headers } of calls.filter((call) => !isSts(call)))
      expect(headers.authorization).toContain('ASIATHEIRS');
  });

  it('gets new credentials five minutes before they expire', async () => {
    const { calls, deliver } = service((call) => (isSts(call) ? assumed(4) : ok({})));
    for (let index = 0; index < 2; index += 1)
      await deliver({ ...queue, roleArn } as RuleTarget, messages(1));
    expect(calls.filter(isSts).length).toBeGreaterThan(1);
  });

  it('whose role cannot be assumed is tried again', async () => {
    const { calls, deliver } = service((call) => (isSts(call) ? failure('AccessDenied', 403) : ok({})));
    expect(await deliver({ ...queue, roleArn } as RuleTarget, messages(2))).toEqual(
      Array(2).fill({ kind: 'retry', code: 'rule-target-role' }),
    );
    expect(calls.every(isSts)).toBe(true);
  });
});

describe("the service's own tables and queues", () => {
  const queues = 'https://sqs.eu-west-3.amazonaws.com/123456789012';
  const own = ownResourcesOf(
    functionEnvironment({
      MESSAGES_TABLE: 'wisp-Messages',
      TENANTS_TABLE: 'wisp-Tenants',
      TIMER_QUEUE_URL: `${queues}/wisp-Timers`,
      LOOK_QUEUE_URL: `${queues}/wisp-Looks`,
      FANOUT_QUEUE_URL: `${queues}/wisp-Fanout.fifo`,
      RULE_QUEUE_URL: `${queues}/wisp-Records.fifo`,
      KAFKA_RULE_QUEUE_URL: `${queues}/wisp-Kafka.fifo`,
    }),
  );
  const targets: RuleTarget[] = [
    ...['wisp-Timers', 'wisp-Looks', 'wisp-Fanout.fifo', 'wisp-Records.fifo', 'wisp-Kafka.fifo'].map(
      (name) => ({ kind: 'sqs' as const, queueArn: `arn:aws:sqs:eu-west-3:123456789012:${name}` }),
    ),
    // DynamoDB is called with the name alone, so the account makes no difference.
    ...['123456789012', '999999999999'].flatMap((account) =>
      ['wisp-Messages', 'wisp-Tenants'].map((name) => ({
        kind: 'dynamodb' as const,
        tableArn: `arn:aws:dynamodb:eu-west-3:${account}:table/${name}`,
      })),
    ),
  ];

  it.each(targets)('get nothing, though the role may write to them: %o', async (target) => {
    const { calls, deliver } = service(() => ok({}), own);
    const forged = '{"v":1,"record":{"tenant":"another"}}';
    expect(await deliver(target, messages(2, forged))).toEqual([
      { kind: 'refused', code: 'rule-target-access' },
      { kind: 'refused', code: 'rule-target-access' },
    ]);
    expect(calls).toEqual([]);
  });

  it('leave others of similar names to rules', async () => {
    const { calls, deliver } = service(() => ok({}), own);
    expect(await deliver(table, messages(1))).toEqual([delivered]);
    expect(calls).toHaveLength(1);
  });
});

it('takes an object of any depth to DynamoDB, or refuses it, and holds up nothing', async () => {
  const { deliver } = service(() => ok({}));
  const deep = `{"a":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
  const [first, second] = (await deliver(table, [deliveryOf('m1', deep), deliveryOf('m2', '{}')])) ?? [];
  expect(first?.kind).toMatch(/^(delivered|refused)$/);
  expect(second).toEqual(delivered);
});
