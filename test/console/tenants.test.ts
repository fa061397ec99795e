import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../support/tools.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

describe.skipIf(lacks('chromium'))('tenants in the console', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
  }, 60_000);
  afterAll(() => tested?.close());

  test('a new tenant, its token, a client that connects with it, suspension and resumption', async () => {
    const page = await tested.open('#/tenants');
    await page.getByText('There are no tenants yet').waitFor();
    await page.getByRole('button', { name: 'Create a tenant' }).click();
    const dialog = page.getByRole('dialog');
    const name = dialog.getByLabel('Name');
    const create = dialog.getByRole('button', { name: 'Create' });
    await name.fill('Not a name');
    expect(await create.isDisabled()).toBe(true);
    await name.fill('made-here');
    await create.click();
    await page.getByRole('heading', { name: 'made-here', level: 1 }).waitFor();

    await page.getByRole('button', { name: 'Mint a token' }).click();
    await dialog.getByLabel('Client id').fill('sensor-7');
    await dialog.getByLabel('May publish to').fill('sensors/#');
    await dialog.getByRole('button', { name: 'Mint' }).click();
    const token = await page.locator('.copyable code').innerText();

    const minted = Object.assign(async () => token, { tenant: 'made-here' });
    const client = await tested.service.connect(minted, { clientId: 'sensor-7' });
    await page.goto(`${tested.origin}/console#/overview`);
    await page.locator('.figure', { hasText: 'Connections' }).getByText('1', { exact: true }).waitFor();

    await page.goto(`${tested.origin}/console#/tenants/made-here`);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await page.getByRole('button', { name: 'Suspend' }).click();
    await page.getByText('suspended', { exact: true }).waitFor();
    await closed;
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('active', { exact: true }).waitFor();
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('quotas: a new bound is shown, and one that cannot be is refused with its code', async () => {
    await tested.service.tenant('acme');
    const page = await tested.open('#/tenants/acme');
    await page.getByRole('button', { name: 'Change' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Shapes', { exact: true }).fill('65');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.getByText('tenant-config').waitFor();
    await dialog.getByLabel('Shapes', { exact: true }).fill('12');
    await dialog.getByLabel('Connections').fill('77');
    await dialog.getByRole('button', { name: 'Save' }).click();
    const row = page.getByRole('row', { name: /^Connections/ });
    await row.getByText('this tenant').waitFor();
    expect(await row.innerText()).toContain('77');
    await page.context().close();
  });

  test('issuers are text, whatever they hold, and can be added and removed', async () => {
    await tested.service.tenant('hostile');
    const page = await tested.open('#/tenants/hostile');
    await page.getByRole('button', { name: 'Add' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Issuer').fill(hostile);
    await dialog.getByLabel('Audience').fill(`${hostile}2`);
    await dialog.getByLabel('URL', { exact: true }).fill('https://login.example.com/keys');
    await dialog.getByRole('button', { name: 'Add' }).click();
    const cell = page.getByRole('rowheader', { name: hostile });
    await cell.waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await page.getByRole('button', { name: `Remove ${hostile}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await cell.waitFor({ state: 'detached' });
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('many tenants are shown page by page', async () => {
    for (let count = 0; count < 55; count += 1)
      await tested.service.tenant(`many-${String(count).padStart(2, '0')}`);
    const page = await tested.open('#/tenants');
    await page.getByRole('link', { name: 'many-00' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('link', { name: 'many-54' }).waitFor();
    expect(await page.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByRole('link', { name: 'many-00' }).waitFor();
    await page.context().close();
  });

  test('deleting asks for the name, and then erases the tenant', async () => {
    await tested.service.tenant('leaving');
    const page = await tested.open('#/tenants/leaving');
    await page.getByRole('button', { name: /^Delete/ }).click();
    const dialog = page.getByRole('dialog');
    const erase = dialog.getByRole('button', { name: 'Delete everything' });
    expect(await erase.isDisabled()).toBe(true);
    await dialog.getByLabel(/^Type/).fill('leaving');
    await erase.click();
    await page.getByRole('heading', { name: 'Tenants', level: 1 }).waitFor();
    await page.context().close();
  });

  test('an address of a tenant that does not exist tells the code and what to do', async () => {
    const page = await tested.open('#/tenants/nobody');
    await page.getByRole('alert').getByText('tenant-unknown').waitFor();
    await page.context().close();
  });
});
