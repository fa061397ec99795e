import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inbox, startTestService, type TestService } from '../support/service.ts';
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
  test('publishes over HTTP from a page of another origin, and cannot use the admin API', async () => {
    const mint = await service.tenant('page');
    const listener = await service.connect(mint);
    const received = inbox(listener);
    await listener.subscribeAsync('#', { qos: 1 });
    const tab = await browser.newPage();
    await tab.goto(page.url);
    const post = (url: string) =>
      tab.evaluate(
        ([to, token]) =>
          fetch(to, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
            body: 'from a page',
          }).then(
            async (response) => [response.status, await response.json()],
            () => 'blocked',
          ),
        [url, token] as const,
      );
    const token = await mint();
    expect(await post(`${service.publishUrl}/a/b?qos=1`)).toEqual([200, { reasonCode: 0 }]);
    expect(await received.next()).toMatchObject({ topic: 'a/b', text: 'from a page' });
    expect(await post(`${service.adminUrl}/tenants`)).toBe('blocked');
  });

  test('keeps Paho JS connected over three lifetimes of tokens', async () => {
    const mint = await service.tenant('paho');
    const tab = await browser.newPage();
    const shortToken = () => {
      const now = Math.floor(Date.now() / 1_000);
      return mint({ iat: now, exp: now + 3 });
    };
    await tab.exposeFunction('shortToken', shortToken);
    await tab.goto(page.url);
    const result = await tab.evaluate(
      (url) => (globalThis as unknown as { wispPaho(url: string): Promise<unknown> }).wispPaho(url),
      service.url,
    );
    expect(result).toEqual({
      reasons: ['connect', 'renew', 'renew', 'renew'],
      sessions: [false, true, true, true],
      received: ['0', '1', '2', '3'],
      errors: [],
    });
  }, 60_000);
});
