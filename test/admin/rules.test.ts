import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { type Api, apiAt } from './api.ts';

let service: TestService;
let api: Api;

beforeAll(async () => {
  service = await startTestService();
  api = apiAt(service.adminUrl);
  await service.tenant('acme');
});
afterAll(() => service.close());

const republish = { filter: 'orders/#', target: { kind: 'republish', topic: 'copies/<$.levels[1]>' } };
const webhook = { filter: 'devices/#', target: { kind: 'webhook', url: 'https://example.com/in' } };
const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const nextSecret = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;

describe('rules', () => {
  it('redrive failures of messages that other rules have republished', async () => {
    await api('PUT', '/tenants/acme/rules/last', republish);
    const hop = `.${'r'.repeat(63)}`;
    const redriven = await api('POST', '/tenants/acme/rules/last/redrive', {
      ids: [`${'0'.repeat(26)}${hop}${hop}${hop}`],
    });
    expect(redriven).toMatchObject({ status: 200, body: { redriven: 0 } });
    await api('DELETE', '/tenants/acme/rules/last');
  });

  it('are created with defaults, shown, replaced by revision, and deleted', async () => {
    const made = await api('PUT', '/tenants/acme/rules/copy', republish);
    expect(made).toMatchObject({
      status: 201,
      body: {
        name: 'copy',
        filter: 'orders/#',
        send: { form: 'envelope' },
        target: { kind: 'republish', topic: 'copies/<$.levels[1]>', qos: 0, retain: false },
        status: 'active',
        retryHours: 24,
        revision: 1,
      },
    });
    expect((await api('GET', '/tenants/acme/rules/copy')).body).toEqual({
      ...made.body,
      circuit: { failures: 0 },
      waiting: { count: 0, more: false },
      failures: { count: 0, more: false },
    });
    expect(
      await api('PUT', '/tenants/acme/rules/copy?revision=0', { ...republish, retryHours: 2 }),
    ).toMatchObject({
      status: 409,
      body: { code: 'rule-changed' },
    });
    const changed = { ...republish, filter: 'orders/+', retryHours: 1 };
    expect(await api('PUT', '/tenants/acme/rules/copy?revision=1', changed)).toMatchObject({
      status: 200,
      body: { filter: 'orders/+', retryHours: 1, revision: 2, createdAt: made.body.createdAt },
    });
    expect((await api('DELETE', '/tenants/acme/rules/copy')).status).toBe(204);
    expect((await api('GET', '/tenants/acme/rules/copy')).body.code).toBe('rule-unknown');
    expect((await api('DELETE', '/tenants/acme/rules/copy')).body.code).toBe('rule-unknown');
  });

  it('are listed by name in pages', async () => {
    await service.tenant('many');
    for (const name of ['c', 'a', 'test', 'b'])
      await api('PUT', `/tenants/many/rules/${name}`, { ...republish, filter: `${name}/#` });
    const first = await api('GET', '/tenants/many/rules?limit=3');
    expect(first.body.rules.map(({ name }: { name: string }) => name)).toEqual(['a', 'b', 'c']);
    const second = await api('GET', `/tenants/many/rules?limit=3&page=${first.body.next}`);
    expect(second.body).toMatchObject({ rules: [{ name: 'test', circuit: { failures: 0 } }] });
    expect(second.body.next).toBeUndefined();
    // A rule may have the name of another resource.
    expect((await api('GET', '/tenants/many/rules/test')).body.name).toBe('test');
    expect((await api('POST', '/tenants/many/rules/a', {})).body).toMatchObject({
      code: 'method',
      detail: expect.stringContaining('only GET, PUT, DELETE'),
    });
  });

  it('pause, keep their status when they are replaced, and resume', async () => {
    await api('PUT', '/tenants/acme/rules/held', republish);
    expect((await api('POST', '/tenants/acme/rules/held/pause')).body.status).toBe('paused');
    expect((await api('POST', '/tenants/acme/rules/held/pause')).body.status).toBe('paused');
    expect((await api('PUT', '/tenants/acme/rules/held', republish)).body.status).toBe('paused');
    expect((await api('POST', '/tenants/acme/rules/held/resume')).body.status).toBe('active');
    expect(
      (await api('PUT', '/tenants/acme/rules/held', { ...republish, status: 'paused' })).body.status,
    ).toBe('paused');
  });

  it.each([
    ['GET', '/tenants/nobody/rules', undefined, 404, 'tenant-unknown'],
    ['PUT', '/tenants/nobody/rules/r', republish, 404, 'tenant-unknown'],
    ['GET', '/tenants/acme/rules/nobody', undefined, 404, 'rule-unknown'],
    ['GET', '/tenants/acme/rules/Not-A-Name', undefined, 404, 'rule-unknown'],
    ['POST', '/tenants/acme/rules/nobody/pause', undefined, 404, 'rule-unknown'],
    ['POST', '/tenants/acme/rules/nobody/test', { topic: 'a' }, 404, 'rule-unknown'],
    ['PUT', '/tenants/acme/rules/Not-A-Name', republish, 400, 'rule-name'],
    ['PUT', '/tenants/acme/rules/r', { filter: 'a' }, 400, 'body'],
    ['PUT', '/tenants/acme/rules/r', { ...republish, filter: 'a#' }, 400, 'rule-filter'],
    ['PUT', '/tenants/acme/rules/r', { ...republish, where: '{"topic": [' }, 400, 'rule-pattern'],
    ['PUT', '/tenants/acme/rules/r?revision=x', republish, 400, 'parameter'],
    ['PUT', '/tenants/acme/rules/r', '{}', 415, 'content-type'],
  ] as const)('%s %s with %j is refused with a stable code', async (method, path, body, status, code) => {
    expect(await api(method, path, body)).toMatchObject({
      status,
      contentType: 'application/problem+json',
      body: { status, code },
    });
  });

  it('of a suspended tenant are woken when it is resumed', async () => {
    const tenant = vouchedTenantId('sleepy');
    await service.tenant('sleepy');
    await api('PUT', '/tenants/sleepy/rules/copy', republish);
    await api('POST', '/tenants/sleepy/suspend');
    const { ruleRecords } = service.stores;
    const key = { tenant, rule: 'copy' };
    // The next look at the tenant would be in 15 minutes.
    await ruleRecords.beginOutage(key, 'p', Date.now() + 900_000);
    await ruleRecords.noteDrain(key, 'p', 1);
    await api('POST', '/tenants/sleepy/resume');
    await expect.poll(() => ruleRecords.circuit(key)).toEqual({ failures: 0 });
  });

  it('a deleted tenant takes its rules and their secrets with it', async () => {
    await service.tenant('short');
    await api('PUT', '/tenants/short/rules/hook', webhook);
    await api('PUT', '/tenants/short/rules/hook/secret', { secret });
    await api('DELETE', '/tenants/short');
    expect(await service.ruleSecrets.load(vouchedTenantId('short'), 'hook')).toEqual([]);
    expect((await api('PUT', '/tenants/short/rules/more', webhook)).status).toBeGreaterThanOrEqual(404);
  });
});

describe('secrets', () => {
  it('rotate, with the previous one until it is ended, and appear in no answer or log', async () => {
    await api('PUT', '/tenants/acme/rules/signed', webhook);
    const path = '/tenants/acme/rules/signed';
    expect((await api('GET', path)).body.secret).toEqual({ hasPrevious: false });
    const answers = [
      await api('PUT', `${path}/secret`, { secret }),
      await api('PUT', `${path}/secret`, { secret }),
      await api('PUT', `${path}/secret`, { secret: nextSecret }),
      await api('PUT', `${path}/secret`, { secret: nextSecret }),
      await api('GET', path),
      await api('GET', '/tenants/acme/rules'),
      await api('DELETE', `${path}/secret/previous`),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(answers.slice(0, 4).map(({ body }) => body.hasPrevious)).toEqual([false, false, true, true]);
    expect(answers[4]?.body.secret).toEqual({ since: expect.any(String), hasPrevious: true });
    expect(answers[6]?.body).toEqual({ since: answers[4]?.body.secret.since, hasPrevious: false });
    expect((await api('DELETE', `${path}/secret/previous`)).body.code).toBe('rule-secret-unknown');
    expect(JSON.stringify(answers) + service.logged.join('')).not.toMatch(/whsec_|AQEB|AgIC/);
    await api('DELETE', path);
    await api('PUT', path, webhook);
    expect((await api('GET', path)).body.secret).toEqual({ hasPrevious: false });
  });

  it.each([
    ['whsec_c2hvcnQ=', 'body'],
    ['no prefix at all but long enough to be one', 'body'],
    ['', 'body'],
  ])('the secret %j of a webhook is refused and not repeated', async (given, code) => {
    await api('PUT', '/tenants/acme/rules/signed', webhook);
    const answer = await api('PUT', '/tenants/acme/rules/signed/secret', { secret: given });
    expect(answer.body).toMatchObject({ code, detail: expect.stringContaining('secret: ') });
    if (given !== '') expect(JSON.stringify(answer.body)).not.toContain(given);
  });

  it('a rule without need of one has none', async () => {
    await api('PUT', '/tenants/acme/rules/plain', republish);
    expect((await api('PUT', '/tenants/acme/rules/plain/secret', { secret })).body.code).toBe(
      'rule-secret-unused',
    );
    expect((await api('GET', '/tenants/acme/rules/plain')).body.secret).toBeUndefined();
  });
});

describe('the test of a rule', () => {
  it('says why a message is not selected', async () => {
    const where = '{"payload":{"total":[{"numeric":[">",100]}]}}';
    await api('PUT', '/tenants/acme/rules/orders', { ...republish, where });
    const test = async (message: object) =>
      (await api('POST', '/tenants/acme/rules/orders/test', message)).body;
    expect(await test({ topic: 'x', payload: '{"total":120}' })).toEqual({
      selected: false,
      because: 'the filter does not match the topic',
    });
    expect(await test({ topic: 'orders/7', payload: '{"total":20}' })).toEqual({
      selected: false,
      because: 'the pattern does not select the message',
    });
    expect(await test({ topic: 'orders/7', payload: '{"total":120}' })).toMatchObject({
      selected: true,
      would: 'publish to copies/7 at QoS 0',
    });
    expect(await test({ topic: 'orders/+', payload: '{"total":120}' })).toMatchObject({ status: 400 });
  });

  it('shows the request of a webhook, without a signature, and sends nothing', async () => {
    const send = { form: 'template', template: '{"text": "<$.topic> says <$.payload.t>"}' };
    const rule = { ...webhook, send, target: { ...webhook.target, headers: { 'X-Site': 'north' } } };
    const { body } = await api('POST', '/tenants/acme/rules/test', {
      rule,
      message: { topic: 'devices/1', payload: '{"t":"hi"}', clientId: 'c', userProperties: [['a', 'b']] },
    });
    expect(body).toMatchObject({
      selected: true,
      would: 'POST https://example.com/in',
      headers: { 'content-type': 'application/json', 'x-site': 'north', 'webhook-id': expect.any(String) },
      body: '{"text":"devices/1 says hi"}',
      encoding: 'utf8',
    });
    expect(body.headers).not.toHaveProperty('webhook-signature');
  });

  it('shows bytes that are no text in base64, and what would become a failure', async () => {
    const bytes = { topic: 'devices/1', payload: '/wA=', encoding: 'base64' };
    const rule = { ...webhook, send: { form: 'payload' } };
    expect((await api('POST', '/tenants/acme/rules/test', { rule, message: bytes })).body).toMatchObject({
      body: '/wA=',
      encoding: 'base64',
    });
    const { body } = await api('POST', '/tenants/acme/rules/test', {
      rule: { ...republish, target: { ...republish.target, topic: 'copies/<$.payload.name>' } },
      message: { topic: 'orders/1', payload: '{}' },
    });
    expect(body).toMatchObject({ selected: true, failure: { code: 'rule-topic' } });
  });

  it.each([
    [{ kind: 'sqs', queueArn: 'arn:aws:sqs:eu-central-1:111122223333:q' }, 'send a message to arn:aws:sqs:'],
    [{ kind: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:t' }, 'publish to arn:aws:sns:'],
    [
      { kind: 'eventbridge', busArn: 'arn:aws:events:eu-central-1:111122223333:event-bus/b' },
      'put an event on',
    ],
    [
      { kind: 'kinesis', streamArn: 'arn:aws:kinesis:eu-central-1:111122223333:stream/s' },
      'put a record into',
    ],
    [{ kind: 'lambda', functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:f' }, 'invoke arn:'],
    [
      { kind: 'dynamodb', tableArn: 'arn:aws:dynamodb:eu-central-1:111122223333:table/tab' },
      'put an item into',
    ],
    [{ kind: 'kafka', brokers: ['kafka.example.com:9092'], topic: 'in' }, 'produce to in, key devices/1'],
  ])('names what %j would call', async (target, would) => {
    const { body } = await api('POST', '/tenants/acme/rules/test', {
      rule: { filter: 'devices/#', target },
      message: { topic: 'devices/1' },
    });
    expect(body.would).toContain(would);
  });
});
