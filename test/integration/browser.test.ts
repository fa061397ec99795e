import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { launchChromium, type Page, servePage } from './browser.ts';

let service: TestService;
let browser: Browser;
let page: Page;

describe.skipIf(lacks('chromium'))('Chromium', () => {
  beforeAll(async () => {
    service = await startTestService();
    page = await servePage('test/integration/browser-page.ts');
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    page?.close();
    await service?.close();
  });

  test('MQTT.js through the adapter: order kept, and a message of 100,000 bytes both ways', async () => {
    const mint = await service.tenant('browser');
    const tab = await browser.newPage();
    await tab.goto(page.url);
    const result = await tab.evaluate(
      (job) => (globalThis as unknown as { wispTest(job: unknown): Promise<unknown> }).wispTest(job),
      {
        url: service.url,
        username: mint.tenant,
        password: await mint(),
        messages: 50,
        largeBytes: 100_000,
      },
    );
    expect(result).toEqual({
      texts: Array.from({ length: 50 }, (_, index) => `${index}`),
      largeBytes: 100_000,
    });
  });
});
