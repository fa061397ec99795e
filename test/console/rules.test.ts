import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { seriousFindings } from './axe.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

/** A webhook's receiver that answers `status` and hands out what it was sent. */
async function startReceiver() {
  const bodies: string[] = [];
  const waiting: ((body: string) => void)[] = [];
  const state = { status: 204, signatures: [] as unknown[] };
  const server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const part of request) body += String(part);
    state.signatures.push(request.headers['webhook-signature']);
    response.writeHead(state.status).end();
    const taker = waiting.shift();
    if (taker === undefined) bodies.push(body);
    else taker(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    state,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`,
    next(): Promise<string> {
      const body = bodies.shift();
      return body === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(body);
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe.skipIf(lacks('chromium'))('rules in the console', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
  }, 60_000);
  afterAll(() => tested?.close());

  async function connect(tenant: string, clientId: string) {
    return tested.service.connect(await tested.service.tenant(tenant), { clientId });
  }

  test('a webhook is added, tested, fired, refused, sent again, paused and removed', async () => {
    const receiver = await startReceiver();
    const client = await connect('acme', 'sensor-7');
    const page = await tested.open('#/rules/acme', { bypassCSP: true });
    await page.getByText('No rule yet').waitFor();
    await page.getByText('npx wisp rule add acme hook').waitFor();
    await page.getByRole('link', { name: 'Add a rule' }).click();

    const form = page.getByRole('form', { name: 'Rule' });
    await form.getByLabel('Name').fill('hook');
    await form.getByLabel('Topic filter').fill('plant/+/state');
    await form.getByLabel('Pattern').fill(' {"payload":\n   {"t": [{"numeric": [">"]}]}}');
    await form.getByLabel('URL').fill(receiver.url);
    await form.getByRole('button', { name: 'Add' }).click();
    // The mistake is shown where it is, and its field has the focus.
    await page.getByRole('note', { name: 'Line 2, column 23' }).waitFor();
    expect(await page.locator('mark').innerText()).toBe('[');
    await page.getByRole('alert').getByText('rule-pattern').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await form
      .locator('textarea[aria-invalid=true]:focus')
      .fill('{"payload": {"t": [{"numeric": [">", 20]}]}}');

    // Before it is stored.
    const trial = page.getByRole('form', { name: 'Test' });
    await trial.getByLabel('Topic', { exact: true }).fill('plant/1/state');
    await trial.getByLabel('Payload', { exact: true }).fill('{"t": 3}');
    await trial.getByRole('button', { name: 'Test' }).click();
    await page.getByText('the pattern does not select the message').waitFor();
    await form.getByRole('button', { name: 'Add' }).click();

    await page.getByRole('heading', { name: 'hook', level: 1 }).waitFor();
    await page.getByText('active', { exact: true }).waitFor();
    await page.getByText('since').first().waitFor();
    expect(await page.content()).not.toContain('whsec_');
    await trial.getByLabel('Topic', { exact: true }).fill('plant/1/state');
    await trial.getByLabel('Payload', { exact: true }).fill('{"t": 21}');
    await trial.getByRole('button', { name: 'Test' }).click();
    const outcome = page.getByRole('region', { name: 'What would be sent' });
    await outcome.getByText(`It would POST ${receiver.url}`).waitFor();
    expect(await outcome.getByRole('region', { name: 'Payload' }).innerText()).toContain('"t": 21');
    expect(await seriousFindings(page)).toEqual([]);

    await client.publishAsync('plant/1/state', '{"t": 22}', { qos: 1 });
    expect(JSON.parse(await receiver.next())).toMatchObject({ topic: 'plant/1/state', payload: { t: 22 } });
    expect(receiver.state.signatures).toEqual([expect.stringMatching(/^v1,/)]);

    receiver.state.status = 422;
    await client.publishAsync('plant/2/state', '{"t": 23}', { qos: 1 });
    await receiver.next();
    const failures = page.getByRole('table', { name: 'Failures' });
    await failures.getByRole('rowheader', { name: 'plant/2/state' }).waitFor();
    await failures.getByText('rule-target-refused').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    receiver.state.status = 204;
    await page.getByRole('button', { name: 'Send again: plant/2/state' }).click();
    expect(JSON.parse(await receiver.next())).toMatchObject({ topic: 'plant/2/state' });
    await page.getByText('No failures').waitFor();

    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Secret' }).click();
    expect(await seriousFindings(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    await page.getByText('the previous one signs too').waitFor();
    await page.getByRole('button', { name: 'Secret' }).click();
    await dialog.getByRole('button', { name: 'End the previous secret' }).click();
    await page.getByText('the previous one signs too').waitFor({ state: 'detached' });
    expect(await page.content()).not.toContain('whsec_');

    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('active', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('No rule yet').waitFor();
    // The browser notes what was refused above, and a look at the rule while it is removed.
    expect(page.complaints.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
    await client.endAsync();
    await page.context().close();
    receiver.close();
  });

  test('a rule is changed, its failures are sent again, and everything in it is text', async () => {
    const client = await connect('hostile', 'reader');
    const received = inbox(client);
    await client.subscribeAsync('alerts/#');
    const page = await tested.open('#/rules/hostile?add=republish', {
      bypassCSP: true,
      viewport: { width: 390, height: 800 },
    });
    const form = page.getByRole('form', { name: 'Rule' });
    await form.getByLabel('Name').fill(hostile);
    await form.getByLabel('Topic filter').fill(`${hostile}/#`);
    await form.getByLabel('Pattern').fill(JSON.stringify({ topic: [{ prefix: hostile }] }));
    await form.getByLabel('Send').selectOption('template');
    await form.getByLabel('Template').fill(`${hostile} <$.topic>`);
    await form.getByLabel('Topic', { exact: true }).fill('alerts/<$.payload.kind>');
    await form.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('alert').getByText('rule-name').waitFor();
    await form.getByLabel('Name').fill('copy');
    await form.getByRole('button', { name: 'Add' }).click();
    await page.getByRole('heading', { name: 'copy', level: 1 }).waitFor();
    const texts = page.locator('pre', { hasText: '<img src=x' });
    await texts.nth(1).waitFor();
    expect(await texts.count()).toBe(2);

    await client.publishAsync(`${hostile}/1`, '{}', { qos: 1 });
    const failures = page.getByRole('table', { name: 'Failures' });
    await failures.getByRole('rowheader', { name: `${hostile}/1` }).waitFor();
    await failures.getByText('rule-topic').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect(await seriousFindings(page)).toEqual([]);

    await page.getByRole('link', { name: 'Change' }).click();
    expect(await form.getByLabel('Template').inputValue()).toBe(`${hostile} <$.topic>`);
    await form.getByLabel('Topic', { exact: true }).fill('alerts/all');
    await form.getByRole('button', { name: 'Save' }).click();
    await page.getByText('alerts/all', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Send all again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send again' }).click();
    expect((await received.next()).text).toBe(`${hostile} ${hostile}/1`);
    await page.getByText('No failures').waitFor();

    await page.goto(`${tested.origin}/console#/rules/hostile`);
    await page.getByText(`${hostile}/#`).waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await page.goto(`${tested.origin}/console#/rules/hostile?rule=${encodeURIComponent(hostile)}`);
    await page.getByRole('heading', { name: hostile }).waitFor();
    await page.getByRole('alert').getByText('rule-unknown').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(page.complaints.filter((text) => !/status of 40[04]/.test(text))).toEqual([]);
    await client.endAsync();
    await page.context().close();
  });

  test('lists page', async () => {
    await tested.service.tenant('many', { quotas: { rules: 51 } });
    const names = Array.from({ length: 51 }, (_, index) => `rule-${String(index).padStart(2, '0')}`);
    for (const name of names) {
      const body = { filter: `${name}/#`, target: { kind: 'republish', topic: 'copies' } };
      const response = await fetch(`${tested.service.adminUrl}/tenants/many/rules/${name}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(201);
    }
    const page = await tested.open('#/rules/many');
    await page.getByRole('link', { name: 'rule-49' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('link', { name: 'rule-50' }).waitFor();
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });
});
