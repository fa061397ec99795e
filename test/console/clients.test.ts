import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../support/tools.ts';
import { seriousFindings } from './axe.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

describe.skipIf(lacks('chromium'))('clients in the console', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
  }, 60_000);
  afterAll(() => tested?.close());

  async function connect(tenant: string, clientId: string) {
    const { service } = tested;
    const mint = await service.tenant(tenant);
    const again = () => service.connect(mint, { clientId });
    return { client: await again(), again };
  }

  test('a client is listed with its subscriptions, traced, disconnected, released', async () => {
    const { client } = await connect('acme', 'sensor-7');
    await client.subscribeAsync('plant/+/temperature', { qos: 1 });
    const page = await tested.open('#/clients/acme');
    await page.getByRole('link', { name: 'sensor-7' }).click();
    await page.getByRole('heading', { name: 'sensor-7', level: 1 }).waitFor();
    await page.getByRole('rowheader', { name: 'plant/+/temperature' }).waitFor();

    await page.getByRole('button', { name: 'Start trace' }).click();
    await page.getByText('tracing', { exact: true }).waitFor();
    await client.publishAsync('plant/1/temperature', '21', { qos: 1 });
    const lines = page.getByRole('table', { name: 'Trace' });
    await lines.getByText('acknowledged', { exact: true }).first().waitFor();
    await lines.getByText('topic=plant/1/temperature').first().waitFor();
    await page.getByRole('button', { name: 'Stop trace' }).click();
    await page.getByRole('button', { name: 'Start trace' }).waitFor();

    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await closed;
    await page.getByRole('button', { name: 'Release' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Release' }).click();
    await page.getByText('client-unknown').first().waitFor();
    await page.goto(`${tested.origin}/console#/clients/acme`);
    await page.getByText('No client is connected or has a session').waitFor();
    await page.context().close();
  });

  test('a banned client is disconnected and refused until the ban ends', async () => {
    const { client, again } = await connect('bans', 'noisy');
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    const page = await tested.open('#/clients/bans?client=noisy');
    await page.getByRole('button', { name: 'Ban' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill(hostile);
    await page.getByRole('dialog').getByRole('button', { name: 'Ban' }).click();
    await closed;
    await page.getByText('noisy is banned.').waitFor();
    await expect(again()).rejects.toThrow();
    await page.goto(`${tested.origin}/console#/clients/bans`);
    await page.getByRole('cell', { name: hostile }).waitFor();
    await page.getByRole('button', { name: 'End ban of noisy' }).click();
    await page.getByText('noisy may connect again.').waitFor();
    await (await again()).endAsync();
    // It had no session beyond its connection: the page asks for it, and learns that it is gone.
    expect(page.complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await page.context().close();
  });

  test('client ids and topics are text, whatever they hold; axe finds nothing serious', async () => {
    const { client } = await connect('hostile', hostile);
    await client.subscribeAsync(hostile);
    const page = await tested.open('#/clients/hostile', { bypassCSP: true });
    await page.getByRole('link', { name: hostile }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.getByRole('link', { name: hostile }).click();
    await page.getByRole('rowheader', { name: hostile }).waitFor();
    await page.getByRole('button', { name: 'Start trace' }).click();
    await page.getByText('tracing', { exact: true }).waitFor();
    await client.publishAsync(hostile, hostile, { qos: 1 });
    await page.getByText(`topic=${hostile}`).first().waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    expect(await page.locator('main img').count()).toBe(0);
    await client.endAsync();
    await page.context().close();
  });
});
