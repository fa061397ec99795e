import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../support/tools.ts';
import { type ConsoleUnderTest, hostile, startConsoleUnderTest } from './browser.ts';

describe.skipIf(lacks('chromium'))('the console in Chromium', () => {
  let tested: ConsoleUnderTest;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
    await tested.service.tenant('acme');
    await tested.service.tenant('field-lab');
  }, 60_000);
  afterAll(() => tested?.close());

  test('opens with a link once; the ticket leaves the address, and the session outlives a reload', async () => {
    const page = await tested.open();
    expect(page.url()).toBe(`${tested.origin}/console#/`);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('says how to get a new link, when the link was used before', async () => {
    const url = tested.service.newConsoleUrl() ?? '';
    const first = await tested.browser.newPage();
    await first.goto(url);
    await first.getByRole('heading', { name: 'Overview' }).waitFor();
    const second = await (await tested.browser.newContext()).newPage();
    await second.goto(url);
    await second.getByRole('heading', { name: 'This console is locked' }).waitFor();
    expect(await second.getByRole('main').innerText()).toContain('npx wisp console');
    expect(await second.getByRole('main').innerText()).toContain('console-ticket');
    // The same document: the browser loads nothing.
    await second.goto(tested.service.newConsoleUrl() ?? '');
    await second.getByRole('heading', { name: 'Overview' }).waitFor();
    await first.close();
    await second.context().close();
  });

  test('goes to a page by its address, and back', async () => {
    const page = await tested.open('#/usage/field-lab?span=1h');
    await page.getByRole('heading', { name: 'Usage', level: 1 }).waitFor();
    expect(await page.getByLabel('Time', { exact: true }).inputValue()).toBe('1h');
    expect(await page.getByLabel('Tenant', { exact: true }).inputValue()).toBe('field-lab');
    await page.getByRole('link', { name: 'Tenants', exact: true }).click();
    await page.getByRole('link', { name: 'acme' }).click();
    await page.getByRole('heading', { name: 'acme', level: 1 }).waitFor();
    expect(new URL(page.url()).hash).toBe('#/tenants/acme');
    await page.goBack();
    await page.getByRole('heading', { name: 'Tenants', level: 1 }).waitFor();
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('shows every page without a complaint of the browser, of its policy neither', async () => {
    const page = await tested.open('#/overview');
    const links = page.getByRole('navigation', { name: 'Console' }).getByRole('link');
    await links.first().waitFor();
    for (const title of await links.allInnerTexts()) {
      await links.getByText(title, { exact: true }).click();
      await page.getByRole('navigation').locator('[aria-current=page]', { hasText: title }).waitFor();
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
    }
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('the overview shows ten tenants at a time, and says so', async () => {
    for (let number = 10; number < 22; number++) await tested.service.tenant(`busy-${number}`);
    const page = await tested.open('#/overview');
    const rows = page.getByRole('table', { name: 'Tenants and what they do now' });
    await page.getByText('All of this page is about 10 tenants').waitFor();
    await rows.getByRole('link', { name: 'busy-18' }).waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await rows.getByRole('link', { name: 'field-lab' }).waitFor();
    await page.getByText('All of this page is about 4 tenants').waitFor();
    expect(await rows.getByRole('link').count()).toBe(4);
    await page.getByRole('button', { name: 'Previous' }).click();
    await rows.getByRole('link', { name: 'acme' }).waitFor();
    expect(page.complaints).toEqual([]);
    await page.context().close();
  });

  test('an address is text, whatever it holds', async () => {
    const page = await tested.open(`#/tenants/${encodeURIComponent(hostile)}`);
    await page.getByRole('heading', { name: hostile, level: 1 }).waitFor();
    await page.getByRole('alert').getByText('tenant-name').waitFor();
    expect(await page.locator('main img').count()).toBe(0);
    await page.context().close();
  });

  test('gives usage as CSV', async () => {
    const page = await tested.open('#/usage/acme');
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download CSV' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toBe('usage-acme-24h.csv');
    const text = await readFile(await download.path(), 'utf8');
    expect(text.split('\r\n').slice(0, -1)).toHaveLength(25);
    expect(text).toMatch(/^hour,?.*\r\n\d{4}-\d\d-\d\dT\d\d/);
    await page.context().close();
  });

  test('another tenant in the chooser shows the same page of it', async () => {
    const page = await tested.open('#/usage/acme');
    await page.getByText('What acme has used.').waitFor();
    await page.getByLabel('Tenant', { exact: true }).selectOption('field-lab');
    await page.getByText('What field-lab has used.').waitFor();
    await page.context().close();
  });

  test('can be used with the keyboard: past the navigation, into a dialog and out of it', async () => {
    const page = await tested.open('#/tenants');
    await page.getByRole('link', { name: 'acme' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Skip to the page');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await focused(page)).toBe('Create a tenant');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Create a tenant' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await focused(page)).toBe('Create a tenant');
    await page.context().close();
  });

  test('has a menu on a narrow screen, which Escape closes', async () => {
    const page = await tested.open('#/tenants', { viewport: { width: 360, height: 700 } });
    const link = page.getByRole('link', { name: 'Settings' });
    await page.getByRole('link', { name: 'acme' }).waitFor();
    expect(await link.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).click();
    await link.waitFor();
    await page.keyboard.press('Escape');
    await link.waitFor({ state: 'hidden' });
    await page.getByRole('button', { name: 'Menu' }).click();
    await link.click();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    expect(await link.isVisible()).toBe(false);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    expect(width).toBeLessThanOrEqual(360);
    await page.context().close();
  });

  test('keeps the theme that was chosen', async () => {
    const page = await tested.open(undefined, { colorScheme: 'light' });
    const ground = () => page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    const light = await ground();
    await page.getByRole('radio', { name: 'Dark' }).check();
    const dark = await ground();
    expect(dark).not.toBe(light);
    await page.reload();
    expect(await ground()).toBe(dark);
    await page.context().close();
  });

  test('locks at the wish of the operator', async () => {
    const page = await tested.open();
    await page.getByRole('button', { name: 'Lock the console' }).click();
    await page.getByRole('heading', { name: 'This console is locked' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'This console is locked' }).waitFor();
    await page.context().close();
  });

  test('does not appear in a frame of another page, not even of this machine', async () => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><iframe src="${tested.origin}/console"></iframe>`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const page = await tested.open();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const [, frame] = page.frames();
    expect(frame?.url()).toMatch(/^chrome-error:/);
    expect(page.complaints.join('\n')).toContain('frame-ancestors');
    await page.context().close();
    server.closeAllConnections();
    server.close();
  });

  test('a page of another port gets nothing, although the browser sends it the same cookies', async () => {
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const page = await tested.open();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const tries = await page.evaluate(
      (origin) =>
        Promise.all(
          (['cors', 'no-cors'] as const).map((mode) =>
            fetch(`${origin}/console/admin/tenants/acme`, {
              method: 'POST',
              mode,
              credentials: 'include',
            }).then(
              ({ type }) => type,
              () => 'blocked',
            ),
          ),
        ),
      tested.origin,
    );
    expect(tries[0]).toBe('blocked');
    await page.context().close();
    server.closeAllConnections();
    server.close();
  });
});

/** The text of the element that has the focus. */
function focused(page: { evaluate(code: string): Promise<unknown> }): Promise<unknown> {
  return page.evaluate('document.activeElement.textContent.trim()');
}
