import type { LookupAddress } from 'node:dns';
import type { IncomingHttpHeaders, RequestListener, Server } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RuleTarget } from '../../../lib/core/rules.ts';
import { createWebhookSecret } from '../../../lib/rules/targets/signature.ts';
import { createWebhookTarget, type WebhookTargetOptions } from '../../../lib/rules/targets/webhook.ts';
import { cert, key } from '../../support/certificate.ts';
import { deliveryOf, ruleWith } from './deliveries.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const secret = createWebhookSecret();
const loopback: readonly LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly port: number | undefined;
}

/** A receiver with a certificate of an authority of its own. */
async function receiver(answer: RequestListener = (_, response) => response.writeHead(204).end()) {
  const received: Received[] = [];
  const server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      received.push({ headers: request.headers, body, port: request.socket.remotePort });
      answer(request, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { received, port: (server.address() as AddressInfo).port, server };
}

function targetWith(
  options: Partial<WebhookTargetOptions> & { readonly secretList?: readonly string[] } = {},
) {
  const { secretList = [secret], ...rest } = options;
  return createWebhookTarget({
    secrets: { read: async () => secretList },
    nowMs: () => Date.now(),
    allowPrivate: true,
    ca: cert,
    resolve: async () => loopback,
    ...rest,
  });
}

const hook = (url: string, headers?: Record<string, string>) =>
  ruleWith({ kind: 'webhook', url, ...(headers === undefined ? {} : { headers }) } satisfies RuleTarget);

async function outcomeWith(answer: RequestListener, options: Partial<WebhookTargetOptions> = {}) {
  const { port } = await receiver(answer);
  const [outcome] = await targetWith(options).deliver(hook(`https://localhost:${port}/`), [
    deliveryOf('m1', '{}'),
  ]);
  return outcome;
}

describe('what a receiver gets', () => {
  it('is a POST that an independent library verifies', async () => {
    const { received, port } = await receiver();
    const body = '{"total":120,"name":"Grüße"}';
    const outcomes = await targetWith().deliver(
      hook(`https://localhost:${port}/in?a=b`, { 'X-Shop': 'one' }),
      [deliveryOf('m1', body)],
    );
    expect(outcomes).toEqual([{ kind: 'delivered' }]);
    expect(received).toHaveLength(1);
    const { headers, body: got } = received[0] as Received;
    expect(got).toBe(body);
    expect(headers).toMatchObject({
      host: `localhost:${port}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': 'm1.orders',
      'x-shop': 'one',
      'user-agent': 'Wisp',
    });
    expect(new Webhook(secret).verify(got, headers as Record<string, string>)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secret).verify(`${got} `, headers as Record<string, string>)).toThrow();
    expect(() => new Webhook(createWebhookSecret()).verify(got, headers as Record<string, string>)).toThrow();
  });

  it('is signed with both secrets while they rotate', async () => {
    const { received, port } = await receiver();
    const older = createWebhookSecret();
    await targetWith({ secretList: [secret, older] }).deliver(hook(`https://localhost:${port}/`), [
      deliveryOf('m1', '{}'),
    ]);
    const { headers, body } = received[0] as Received;
    expect(String(headers['webhook-signature']).split(' ')).toHaveLength(2);
    for (const known of [secret, older])
      expect(new Webhook(known).verify(body, headers as Record<string, string>)).toEqual({});
  });

  it('is bytes as they are, and an empty body too', async () => {
    const { received, port } = await receiver();
    const target = targetWith();
    const rule = hook(`https://localhost:${port}/`);
    await target.deliver(rule, [
      deliveryOf('m1', '', { contentType: 'application/octet-stream' }),
      deliveryOf('m2', Uint8Array.of(1, 2, 0), { contentType: 'application/octet-stream' }),
    ]);
    expect(received.map(({ body }) => body)).toEqual(['', '\u0001\u0002\u0000']);
    expect(received[0]?.headers['content-length']).toBe('0');
  });

  it('comes in order on one connection, and each attempt has the same id', async () => {
    const { received, port } = await receiver((_, response) => response.end('x'.repeat(4_096)));
    const target = targetWith();
    const rule = hook(`https://localhost:${port}/`);
    for (let index = 0; index < 5; index += 1) await target.deliver(rule, [deliveryOf(`m${index}`, '{}')]);
    await target.deliver(rule, [deliveryOf('m4', '{}')]);
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(
      ['m0', 'm1', 'm2', 'm3', 'm4', 'm4'].map((id) => `${id}.orders`),
    );
    expect(new Set(received.map((request) => request.port)).size).toBe(1);
  });

  it('has none of the headers that a rule may not set', async () => {
    const { received, port } = await receiver();
    await targetWith().deliver(
      hook(`https://localhost:${port}/`, {
        Host: 'elsewhere.example',
        'Webhook-Id': 'forged',
        'webhook-signature': 'v1,forged',
        'Content-Length': '1',
        'Transfer-Encoding': 'chunked',
        Connection: 'upgrade',
        Upgrade: 'h2c',
        'X-Forwarded-For': '127.0.0.1',
        'x-smuggled': 'a\r\nx-second: b',
        'bad name': 'x',
        'content-type': 'text/plain',
        Authorization: 'Bearer token',
        'X-Shop': 'one',
      }),
      [deliveryOf('m1', '{}')],
    );
    const { headers, body } = received[0] as Received;
    expect(body).toBe('{}');
    expect(headers).toMatchObject({
      host: `localhost:${port}`,
      'webhook-id': 'm1.orders',
      'content-length': '2',
      'content-type': 'application/json',
      'x-shop': 'one',
    });
    for (const name of [
      'transfer-encoding',
      'upgrade',
      'x-forwarded-for',
      'x-smuggled',
      'x-second',
      'authorization',
    ])
      expect(headers).not.toHaveProperty(name);
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({});
  });

  it('is nothing if there is no secret that can sign', async () => {
    const { received, port } = await receiver();
    const rule = hook(`https://localhost:${port}/`);
    const missing = [{ kind: 'retry', code: 'rule-secret-missing' }];
    for (const secretList of [[], ['whsec_'], ['plain'], ['whsec_c2hvcnQ=']])
      expect(await targetWith({ secretList }).deliver(rule, [deliveryOf('m1', '{}')])).toEqual(missing);
    const read = () => Promise.reject(new Error('Secrets Manager is away'));
    expect(await targetWith({ secrets: { read } }).deliver(rule, [deliveryOf('m1', '{}')])).toEqual(missing);
    expect(received).toEqual([]);
  });
});

describe('what becomes of a record', () => {
  it.each([
    [200, { kind: 'delivered' }],
    [202, { kind: 'delivered' }],
    [400, { kind: 'retry', code: 'rule-target-status' }],
    [401, { kind: 'retry', code: 'rule-target-status' }],
    [404, { kind: 'retry', code: 'rule-target-status' }],
    [408, { kind: 'retry', code: 'rule-target-status' }],
    [410, { kind: 'gone', code: 'rule-target-gone' }],
    [413, { kind: 'refused', code: 'rule-target-refused' }],
    [422, { kind: 'refused', code: 'rule-target-refused' }],
    [425, { kind: 'retry', code: 'rule-target-busy' }],
    [429, { kind: 'retry', code: 'rule-target-busy' }],
    [500, { kind: 'retry', code: 'rule-target-unavailable' }],
    [503, { kind: 'retry', code: 'rule-target-busy' }],
  ])('answered with %i', async (status, outcome) => {
    expect(await outcomeWith((_, response) => response.writeHead(status).end('no'))).toEqual(outcome);
  });

  it.each([
    ['120', 120],
    ['0', 0],
    ['99999999', 3_600],
    ['Tue, 14 Nov 2023 22:14:20 GMT', 60],
    ['Tue, 14 Nov 2023 22:00:00 GMT', 0],
    ['Tue, 14 Nov 2090 22:00:00 GMT', 3_600],
    ['soon', undefined],
    ['-5', undefined],
    ['1e9', undefined],
  ])('with Retry-After: %s', async (header, afterSeconds) => {
    const outcome = await outcomeWith(
      (_, response) => response.writeHead(503, { 'retry-after': header }).end(),
      { nowMs: () => 1_700_000_000_000 },
    );
    expect(outcome).toEqual({
      kind: 'retry',
      code: 'rule-target-busy',
      ...(afterSeconds === undefined ? {} : { afterSeconds }),
    });
  });

  it('stops at the first that is tried again, and goes on behind one that is refused', async () => {
    const statuses = [200, 422, 500, 200];
    const { received, port } = await receiver((_, response) =>
      response.writeHead(statuses.shift() ?? 200).end(),
    );
    const deliveries = ['m1', 'm2', 'm3', 'm4'].map((id) => deliveryOf(id, '{}'));
    const outcomes = await targetWith().deliver(hook(`https://localhost:${port}/`), deliveries);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['delivered', 'refused', 'retry', 'retry']);
    expect(received).toHaveLength(3);
  });
});

describe('receivers that attack', () => {
  it.each([301, 302, 303, 307, 308, 304])('a redirect (%i) is not followed', async (status) => {
    const other = await receiver();
    for (const location of ['http://169.254.169.254/latest/meta-data/', `https://localhost:${other.port}/`]) {
      const outcome = await outcomeWith((_, response) => response.writeHead(status, { location }).end());
      expect(outcome).toEqual({ kind: 'retry', code: 'rule-target-redirect' });
    }
    expect(other.received).toEqual([]);
  });

  it.each([
    ['https://169.254.169.254/', 'retry', 'rule-target-address'],
    ['https://10.0.0.1/', 'retry', 'rule-target-address'],
    ['https://[::ffff:10.0.0.1]/', 'retry', 'rule-target-address'],
    ['https://2130706433/', 'retry', 'rule-target-address'],
    ['http://hook.example/', 'refused', 'rule-target-url'],
    ['https://user:password@hook.example/', 'refused', 'rule-target-url'],
    ['file:///etc/passwd', 'refused', 'rule-target-url'],
  ])('%s is not called', async (url, kind, code) => {
    const resolve = vi.fn();
    const outcomes = await targetWith({ allowPrivate: false, resolve }).deliver(hook(url), [
      deliveryOf('m1', '{}'),
    ]);
    expect(outcomes).toEqual([{ kind, code }]);
    expect(resolve).not.toHaveBeenCalled();
  });

  it('a name that resolves to 10.0.0.1, alone or among public addresses, is not called', async () => {
    for (const addresses of [['10.0.0.1'], ['8.8.8.8', '10.0.0.1']]) {
      const resolve = async () => addresses.map((address) => ({ address, family: 4 }));
      const outcomes = await targetWith({ allowPrivate: false, resolve }).deliver(
        hook('https://hook.example/'),
        [deliveryOf('m1', '{}')],
      );
      expect(outcomes).toEqual([{ kind: 'retry', code: 'rule-target-address' }]);
    }
  });

  it('a name that changes after the check: each connection uses what was checked for it', async () => {
    const { received, port } = await receiver();
    const answers = [loopback, [{ address: '192.0.2.1', family: 4 }]];
    const resolve = vi.fn(async () => answers.shift() ?? []);
    const rule = hook(`https://localhost:${port}/`);
    const target = targetWith({ resolve });
    for (const id of ['m1', 'm2'])
      expect(await target.deliver(rule, [deliveryOf(id, '{}')])).toEqual([{ kind: 'delivered' }]);
    // The second request went out on the connection of the first one: nothing was looked up.
    expect(resolve).toHaveBeenCalledTimes(1);
    expect(received).toHaveLength(2);
  });

  it('a huge answer is read to 4 KB, and counts by its status', async () => {
    let open = true;
    const endless: RequestListener = (request, response) => {
      const more = () => {
        while (open && response.write(' '.repeat(65_536)));
      };
      request.socket.on('close', () => {
        open = false;
      });
      response.on('drain', more);
      more();
    };
    expect(await outcomeWith(endless)).toEqual({ kind: 'delivered' });
    await vi.waitFor(() => expect(open).toBe(false));
  });

  it.each<[string, RequestListener, string]>([
    ['nothing', () => undefined, 'rule-target-timeout'],
    [
      'headers without end',
      (request) => {
        const { socket } = request;
        socket.write('HTTP/1.1 200 OK\r\n');
        const timer = setInterval(() => socket.write('x-slow: 1\r\n'), 20);
        socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
      },
      'rule-target-timeout',
    ],
    [
      'informational answers without end',
      (request) => {
        const { socket } = request;
        const timer = setInterval(() => socket.write('HTTP/1.1 102 Processing\r\n\r\n'), 20);
        socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
      },
      'rule-target-timeout',
    ],
    [
      'huge headers',
      (request) => request.socket.write(`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`),
      'rule-target-connection',
    ],
    ['no HTTP', (request) => request.socket.write('hello\r\n\r\n'), 'rule-target-connection'],
    ['the end of the connection', (request) => request.socket.destroy(), 'rule-target-connection'],
  ])('%s ends in bounded time', async (_, answer, code) => {
    expect(await outcomeWith(answer, { timeoutMs: 300 })).toEqual({ kind: 'retry', code });
  });

  it('a body without end counts by its status', async () => {
    const answer: RequestListener = (_, response) => response.writeHead(200).write('{');
    expect(await outcomeWith(answer, { timeoutMs: 300 })).toEqual({ kind: 'delivered' });
  });

  it('a certificate of another name or authority is refused', async () => {
    const { received, port } = await receiver();
    const failed = [{ kind: 'retry', code: 'rule-target-connection' }];
    const deliveries = [deliveryOf('m1', '{}')];
    expect(await targetWith().deliver(hook(`https://hook.example:${port}/`), deliveries)).toEqual(failed);
    const { ca: _, ...other } = { ca: cert, secrets: { read: async () => [secret] } };
    const strict = createWebhookTarget({
      ...other,
      nowMs: () => 0,
      allowPrivate: true,
      resolve: async () => loopback,
    });
    expect(await strict.deliver(hook(`https://localhost:${port}/`), deliveries)).toEqual(failed);
    expect(received).toEqual([]);
  });
});

describe('connections that are kept', () => {
  it('that the receiver has closed meanwhile cost no attempt', async () => {
    let requests = 0;
    // Answers the first request of a connection, and breaks it with the second one.
    const seen = new WeakSet<object>();
    const { port } = await receiver((request, response) => {
      requests += 1;
      if (seen.has(request.socket)) {
        request.socket.destroy();
        return;
      }
      seen.add(request.socket);
      response.writeHead(204).end();
    });
    const target = targetWith();
    const rule = hook(`https://localhost:${port}/`);
    for (const id of ['m1', 'm2'])
      expect(await target.deliver(rule, [deliveryOf(id, '{}')])).toEqual([{ kind: 'delivered' }]);
    expect(requests).toBe(3);
  });
});

it('does not wait for the body of an answer: a receiver that trickles one would hold the worker', async () => {
  const open: (() => void)[] = [];
  const { port } = await receiver((_, response) => {
    response.writeHead(200).write('a');
    open.push(() => response.end());
  });
  // A test that waits for the end of the body fails by the test's own timeout.
  const outcomes = await targetWith({ timeoutMs: 3_600_000 }).deliver(hook(`https://localhost:${port}/`), [
    deliveryOf('m1', '{}'),
  ]);
  expect(outcomes).toEqual([{ kind: 'delivered' }]);
  for (const end of open) end();
});
