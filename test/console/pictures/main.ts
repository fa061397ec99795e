import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from '../../../build/options.ts';
import { startConsoleUnderTest } from '../browser.ts';
import { prepareService } from './service.ts';
import { smallPng } from './small-png.ts';
import { showUsage } from './usage.ts';

/** Longer pages are cut, in pixels. */
const maxHeight = Number(process.env.MAX_HEIGHT ?? 1_800);

/** The pictures of docs/console.md: `npm run pictures`. One theme for each width. */
const looks = [
  { width: 1_280, height: 900, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
] as const;

interface Picture {
  readonly name: string;
  readonly hash: string;
  /** What to do on the page before it is taken. */
  readonly prepare: (page: Page) => Promise<unknown>;
}

const directory = process.argv[2] ?? join(root, 'docs/console');
await mkdir(directory, { recursive: true });
const tested = await startConsoleUnderTest();
const ready = await prepareService(tested);

const pictures: readonly Picture[] = [
  {
    name: 'overview',
    hash: '#/overview',
    prepare: (page) => page.getByRole('heading', { name: 'Tenants' }).waitFor(),
  },
  {
    name: 'tenants',
    hash: '#/tenants',
    prepare: (page) => page.getByRole('link', { name: 'field-lab' }).waitFor(),
  },
  {
    name: 'tenant',
    hash: '#/tenants/acme',
    prepare: (page) => page.getByRole('heading', { name: 'Issuers' }).waitFor(),
  },
  {
    name: 'clients',
    hash: '#/clients/acme',
    prepare: (page) => page.getByRole('heading', { name: 'Banned' }).waitFor(),
  },
  {
    name: 'client',
    hash: '#/clients/acme?client=sensor-7',
    async prepare(page) {
      await page.getByRole('button', { name: 'Start trace' }).click();
      await page.getByText('tracing', { exact: true }).waitFor();
      await ready.publish('plant/1/state', '{"temperature":21.5}');
      await page.getByText('acknowledged', { exact: true }).first().waitFor();
    },
  },
  {
    name: 'topics',
    hash: '#/topics/acme?topic=plant/1/state&publisher=sensor-7',
    async prepare(page) {
      await page.getByText('sent at once').first().waitFor();
      await page.getByRole('button', { name: 'plant/2/level' }).click();
      await page.getByRole('region', { name: 'Payload' }).waitFor();
    },
  },
  {
    name: 'mqtt',
    hash: '#/mqtt/acme',
    async prepare(page) {
      await page.getByRole('button', { name: 'Connect', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('With').selectOption('paste');
      await dialog.getByLabel('Token').fill(await ready.token());
      await dialog.getByLabel('Client id').fill('console-1');
      await dialog.getByRole('button', { name: 'Connect' }).click();
      const form = page.getByRole('form', { name: 'Subscribe' });
      await form.getByLabel('Topic filter').fill('plant/#');
      await form.getByRole('button', { name: 'Subscribe', exact: true }).click();
      await form.getByRole('button', { name: 'Unsubscribe from plant/#' }).waitFor();
      await ready.publish('plant/3/state', '{"temperature":19.25,"pump":{"on":true,"rpm":1450}}');
      await page.getByRole('button', { name: 'plant/3/state' }).first().click();
      await page.getByRole('region', { name: 'Message', exact: true }).waitFor();
    },
  },
  { name: 'rules', hash: '#/rules/acme', prepare: (page) => page.getByText('failing').waitFor() },
  {
    name: 'rule',
    hash: '#/rules/acme?rule=orders',
    async prepare(page) {
      await page.getByRole('table', { name: 'Failures' }).waitFor();
      const form = page.getByRole('form', { name: 'Test' });
      await form.getByLabel('Topic', { exact: true }).fill('orders/7/placed');
      await form.getByLabel('Payload', { exact: true }).fill('{"total": 120}');
      await form.getByRole('button', { name: 'Test' }).click();
      await page.getByText('selected', { exact: true }).waitFor();
    },
  },
  {
    name: 'rule-add',
    hash: '#/rules/acme?add=webhook',
    async prepare(page) {
      const form = page.getByRole('form', { name: 'Rule' });
      await form.getByLabel('Name').fill('expensive');
      await form.getByLabel('Topic filter').fill('orders/+/placed');
      await form.getByLabel('Pattern').fill('{"payload": {"total": [{"numeric": [">"]}]}}');
      await form.getByLabel('URL').fill('https://example.com/in');
      await form.getByRole('button', { name: 'Add' }).click();
      await page.getByRole('note').waitFor();
    },
  },
  {
    name: 'usage',
    hash: '#/usage/acme',
    prepare: (page) => page.getByRole('link', { name: 'Download CSV' }).waitFor(),
  },
  {
    name: 'settings',
    hash: '#/settings',
    prepare: (page) => page.getByRole('heading', { name: 'Default quotas' }).waitFor(),
  },
];

let total = 0;
for (const { width, height, colorScheme } of looks) {
  const page = await tested.open('#/overview', { viewport: { width, height }, colorScheme });
  await showUsage(page);
  await page.reload();
  for (const { name, hash, prepare } of pictures) {
    await page.goto(`${tested.origin}/console#/nowhere`);
    await page.goto(`${tested.origin}/console${hash}`);
    await prepare(page);
    await page.waitForLoadState('networkidle');
    await page.evaluate('document.activeElement?.blur(); scrollTo(0, 0)');
    const dismiss = page.getByRole('button', { name: 'Dismiss' });
    while ((await dismiss.count()) > 0) await dismiss.first().click();
    const wholeHeight = Number(await page.evaluate('document.documentElement.scrollHeight'));
    const taken = await page.screenshot({
      fullPage: true,
      clip: { x: 0, y: 0, width, height: Math.min(wholeHeight, maxHeight) },
      animations: 'disabled',
    });
    const small = smallPng(taken);
    total += small.length;
    await writeFile(join(directory, `${name}-${width}.png`), small);
    console.log(`${name}-${width}.png: ${(small.length / 1_000).toFixed(1)} kB, ${wholeHeight} px high`);
  }
  await page.context().close();
}
console.log(`${(total / 1_000).toFixed(0)} kB`);
await ready.close();
await tested.close();
