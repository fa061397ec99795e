import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { lacks } from '../support/tools.ts';
import { seriousFindings } from './axe.ts';
import { type ConsoleUnderTest, startConsoleUnderTest } from './browser.ts';
import { prepareService } from './pictures/service.ts';

const pages = [
  '#/overview',
  '#/tenants',
  '#/tenants/acme',
  '#/settings',
  '#/usage/acme',
  '#/clients/acme',
  '#/clients/acme?client=sensor-7',
  '#/topics/acme',
  '#/topics/acme?topic=plant/1/state',
  '#/topics/acme?topic=plant/1/state&client=sensor-8',
  '#/mqtt/acme',
  '#/rules/acme',
  '#/rules/acme?add=kafka',
  '#/rules/acme?rule=orders',
  '#/rules/acme?rule=status',
  '#/rules/acme?rule=alerts&change=yes',
  '#/rules/demo',
  '#/nowhere',
];

describe.skipIf(lacks('chromium'))('axe-core finds nothing serious', () => {
  let tested: ConsoleUnderTest;
  let plant: Awaited<ReturnType<typeof prepareService>>;
  beforeAll(async () => {
    tested = await startConsoleUnderTest();
    plant = await prepareService(tested);
  }, 60_000);
  afterAll(async () => {
    await plant?.close();
    await tested?.close();
  });

  test.each([
    ['light', 1_280],
    ['dark', 1_280],
    ['dark', 390],
  ] as const)('in the %s theme, %i pixels wide', async (colorScheme, width) => {
    const page = await tested.open(undefined, {
      bypassCSP: true,
      colorScheme,
      viewport: { width, height: 800 },
    });
    for (const hash of pages) {
      await page.goto(`${tested.origin}/console${hash}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      expect(await seriousFindings(page), hash).toEqual([]);
      expect(await page.evaluate('document.documentElement.scrollWidth'), hash).toBeLessThanOrEqual(width);
    }
    await page.context().close();
  });

  test('in dialogs and on the locked page', async () => {
    const page = await tested.open('#/tenants/acme', { bypassCSP: true });
    for (const name of ['Change', 'Add']) {
      await page.getByRole('button', { name }).click();
      await page.getByRole('dialog').waitFor();
      expect(await seriousFindings(page), name).toEqual([]);
      await page.keyboard.press('Escape');
    }
    await page.getByRole('button', { name: 'Lock the console' }).click();
    await page.getByRole('heading', { name: 'This console is locked' }).waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await page.context().close();
  });
});
