import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { seriousFindings } from './axe.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

describe.skipIf(lacks('chromium'))('the MQTT client of the console', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
  }, 60_000);
  afterAll(() => tested?.close());

  async function connect(tenant: string, clientId: string) {
    const mint = await tested.service.tenant(tenant);
    return { client: await tested.service.connect(mint, { clientId }), token: await mint({}) };
  }

  async function openWith(page: Page, token: string, clientId: string, version = 'MQTT 5.0') {
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill(token);
    await dialog.getByLabel('Client id').fill(clientId);
    await dialog.getByLabel('Protocol').selectOption({ label: version });
    await dialog.getByRole('button', { name: 'Connect' }).click();
    await page.locator('.connection-head').getByText(clientId, { exact: true }).waitFor();
  }

  async function subscribe(page: Page, filter: string) {
    const form = page.getByRole('form', { name: 'Subscribe' });
    await form.getByLabel('Topic filter').fill(filter);
    await form.getByRole('button', { name: 'Subscribe', exact: true }).click();
    await page.getByRole('list', { name: 'Subscriptions' }).getByText(filter, { exact: true }).waitFor();
  }

  test.each(['MQTT 5.0', 'MQTT 3.1.1'])('%s: connect, publish, see it, be kicked', async (version) => {
    const tenant = version === 'MQTT 5.0' ? 'five' : 'three';
    const { client, token } = await connect(tenant, 'beside');
    const received = inbox(client);
    await client.subscribeAsync('from/page', { qos: 1 });
    const page = await tested.open(`#/mqtt/${tenant}`);
    await openWith(page, token, 'in-page', version);
    await subscribe(page, 'from/#');

    const form = page.getByRole('form', { name: 'Publish' });
    await form.getByLabel('Topic', { exact: true }).fill('from/page');
    await form.getByLabel('Payload', { exact: true }).fill('{"a":1}');
    await form.getByLabel('QoS').selectOption('1');
    await form.getByRole('button', { name: 'Publish' }).click();
    const { text } = await received.next();
    expect(text).toBe('{"a":1}');
    // Messages stand beside the forms, in sight without scrolling.
    const messages = await page.getByRole('table', { name: 'Messages' }).boundingBox();
    const forms = await form.boundingBox();
    expect(messages?.x).toBeGreaterThan((forms?.x ?? 0) + (forms?.width ?? 0));
    expect(messages?.y).toBeLessThan(500);

    await page.getByRole('button', { name: 'from/page', exact: true }).click();
    const details = page.getByRole('region', { name: 'Message', exact: true });
    expect(await details.getByLabel('Payload').innerText()).toBe('{\n  "a": 1\n}');
    await details.getByLabel('View').selectOption('hex');
    expect(await details.getByLabel('Payload').innerText()).toBe('7b 22 61 22 3a 31 7d');
    await details.getByLabel('View').selectOption('base64');
    expect(await details.getByLabel('Payload').innerText()).toBe('eyJhIjoxfQ==');

    await page.goto(`${tested.origin}/console#/clients/${tenant}?client=in-page`);
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('in-page is disconnected').waitFor();
    await page.goto(`${tested.origin}/console#/mqtt/${tenant}`);
    await page.locator('.connection-head').getByText('closed', { exact: true }).waitFor();
    await client.endAsync();
    await page.context().close();
  });

  test('several connections, and one that only looks', async () => {
    const { client, token } = await connect('several', 'beside');
    const page = await tested.open('#/mqtt/several');
    await openWith(page, token, 'one');
    await openWith(page, token, 'two');
    await page.getByRole('radio', { name: 'one' }).check();
    await page.locator('.connection-head').getByText('one', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('With').selectOption('look');
    await dialog.getByLabel('Topic filters').fill('looked/at');
    await dialog.getByRole('button', { name: 'Connect' }).click();
    await page.getByText('only looks', { exact: true }).waitFor();
    await dialog.waitFor({ state: 'detached' });
    expect(await page.getByRole('form', { name: 'Publish' }).count()).toBe(0);
    await client.publishAsync('looked/at', 'hello');
    await page.getByRole('button', { name: 'looked/at' }).waitFor();
    const ended = page.waitForResponse((response) => response.request().method() === 'DELETE');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    expect((await ended).status()).toBe(204);
    await client.endAsync();
    await page.context().close();
  });

  test('topics, payloads and properties are text; the export has them; axe finds nothing', async () => {
    const { client, token } = await connect('hostile', 'beside');
    const page = await tested.open('#/mqtt/hostile', { bypassCSP: true });
    expect(await seriousFindings(page)).toEqual([]);
    await openWith(page, token, 'in-page');
    await subscribe(page, '#');
    const properties = { userProperties: { [hostile]: hostile }, contentType: hostile };
    await client.publishAsync(hostile, hostile, { qos: 1, properties });
    await page.getByRole('button', { name: hostile, exact: true }).click();
    const details = page.getByRole('region', { name: 'Message', exact: true });
    await details.getByText(`user property ${hostile}`).waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);

    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const [message] = JSON.parse(await readFile(await (await saved).path(), 'utf8'));
    expect(message).toMatchObject({ topic: hostile, payloadBase64: btoa(hostile) });
    await client.endAsync();
    await page.context().close();
  });

  test('a refused token is told with its reason', async () => {
    await tested.service.tenant('refused');
    const page = await tested.open('#/mqtt/refused');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill('no.token.here');
    await dialog.getByRole('button', { name: 'Connect' }).click();
    await dialog.getByRole('alert').waitFor();
    await page.context().close();
  });
});
