import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { seriousFindings } from './axe.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

describe.skipIf(lacks('chromium'))('topics in the console', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
  }, 60_000);
  afterAll(() => tested?.close());

  test('who would get it, publish, the retained tree with values, delete', async () => {
    const client = await tested.service.connect(await tested.service.tenant('acme'), { clientId: 'reader' });
    const received = inbox(client);
    await client.subscribeAsync('plant/+/state', { qos: 1 });
    const page = await tested.open('#/topics/acme', { bypassCSP: true });
    await page.getByText('No topic holds a retained message').waitFor();
    await page.getByLabel('Topic name').fill('plant/1/state');
    await page.getByRole('button', { name: 'Explain' }).click();
    const row = page.getByRole('row', { name: /reader/ });
    await row.getByText('sent at once').waitFor();
    await page.getByLabel('Only for client').fill('nobody');
    await page.getByRole('button', { name: 'Explain' }).click();
    const verdict = page.getByRole('region', { name: 'Verdict' });
    await verdict.getByText('does not get the message').waitFor();
    expect(new URL(page.url()).hash).toBe('#/topics/acme?topic=plant%2F1%2Fstate&client=nobody');
    await page.getByLabel('Only for client').fill('reader');
    await page.getByLabel('Published by client').fill('reader');
    await page.getByLabel('Topic name').fill('plant/1/other');
    await page.getByRole('button', { name: 'Explain' }).click();
    await verdict.getByText('plant/+/state').waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.reload();
    await verdict.getByText('plant/+/state').waitFor();

    const form = page.getByRole('form', { name: 'Publish' });
    await form.getByLabel('Topic', { exact: true }).fill('plant/1/state');
    await form.getByLabel('Payload', { exact: true }).fill(hostile);
    await form.getByLabel('Retain').check();
    await form.getByText('Properties', { exact: true }).click();
    await form.getByLabel('User properties').fill(`kind: ${hostile}`);
    await form.getByRole('button', { name: 'Publish' }).click();
    expect((await received.next()).text).toBe(hostile);

    await page.getByRole('button', { name: 'plant/1/state' }).click();
    const value = page.getByRole('region', { name: 'Retained message', exact: true });
    expect(await value.getByLabel('Payload').innerText()).toBe(hostile);
    await value.getByText('User property kind').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    expect(await seriousFindings(page)).toEqual([]);
    await value.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('No topic holds a retained message').waitFor();
    expect(page.complaints).toEqual([]);
    await client.endAsync();
    await page.context().close();
  });

  test('a publish that is refused tells its code', async () => {
    await tested.service.tenant('refused');
    const page = await tested.open('#/topics/refused');
    const form = page.getByRole('form', { name: 'Publish' });
    await form.getByLabel('Topic', { exact: true }).fill('not/+/a/name');
    await form.getByRole('button', { name: 'Publish' }).click();
    await page.locator('.toast-problem code').waitFor();
    await page.context().close();
  });
});
