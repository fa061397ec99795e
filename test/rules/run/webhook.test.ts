import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, expect, test } from 'vitest';
import { createRuleTargets } from '../../../lib/aws/rule-targets/index.ts';
import { metrics } from '../../../lib/core/metrics.ts';
import { defaultSettings } from '../../../lib/core/settings.ts';
import { vouchedTenantId } from '../../../lib/core/tenant-id.ts';
import { createWebhookSecret } from '../../../lib/rules/targets/signature.ts';
import { startTestService, type TestService } from '../../support/service.ts';

let service: TestService | undefined;
let server: Server | undefined;
afterEach(async () => {
  await service?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve));
});

const secret = createWebhookSecret();
const messages = 100;
/** Requests during which the receiver is down: it breaks connections, then it answers 503. */
const down = { from: 20, to: 60 };

/** Resolves with the accepted requests when all messages have arrived. */
async function startReceiver() {
  const accepted: { readonly id: string; readonly body: string }[] = [];
  let requests = 0;
  let isComplete = () => {};
  const complete = new Promise<void>((resolve) => {
    isComplete = resolve;
  });
  const accept = (headers: IncomingHttpHeaders, body: string): void => {
    // Throws for a signature that is wrong.
    new Webhook(secret).verify(body, headers as Record<string, string>);
    accepted.push({ id: String(headers['webhook-id']), body });
    if (new Set(accepted.map(({ id }) => id)).size === messages) isComplete();
  };
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests += 1;
      const isDown = requests > down.from && requests <= down.to;
      if (isDown && requests % 2 === 0) request.socket.destroy();
      else if (isDown) response.writeHead(503).end();
      else {
        accept(request.headers, Buffer.concat(chunks).toString());
        response.writeHead(204).end();
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { accepted, complete, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

test('messages reach a webhook in order and once, though it was down for a while', async () => {
  const { accepted, complete, url } = await startReceiver();
  service = await startTestService({
    // Without back-off the outage lasts as long as the receiver is down.
    settings: { ...defaultSettings, ruleRetrySeconds: 0 },
    ruleTargets: createRuleTargets({
      webhook: { secrets: { read: async () => [secret] }, nowMs: Date.now, allowPrivate: true },
    }),
  });
  const mint = await service.tenant('acme');
  const tenant = vouchedTenantId('acme');
  await service.stores.tenants.addShape(tenant, '=/+', 64);
  await service.stores.rules.put(
    tenant,
    {
      name: 'hook',
      filter: 'o/+',
      send: { form: 'payload' },
      target: { kind: 'webhook', url },
      status: 'active',
      retryHours: 24,
      createdAtMs: Date.now() - 60_000,
    },
    [],
    0,
  );
  await service.stores.rules.putMatch(tenant, 'o/+', { name: 'hook', lane: 'common' });
  const client = await service.connect(mint);
  const texts = Array.from({ length: messages }, (_, number) => JSON.stringify({ number }));
  for (const text of texts) await client.publishAsync('o/1', text, { qos: 1 });
  await complete;
  expect(accepted.map(({ body }) => body)).toEqual(texts);
  expect(new Set(accepted.map(({ id }) => id)).size).toBe(messages);
  expect(service.counters.get(metrics.ruleCircuitsOpened)).toBeGreaterThan(0);
  expect(service.counters.get(metrics.ruleRecordsParked)).toBeGreaterThan(0);
});
