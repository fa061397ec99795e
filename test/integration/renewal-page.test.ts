/** A page that stays open over three lifetimes of tokens, in Chromium. The clocks jump. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createManualClock } from '../../lib/local/clock.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { launchChromium, type Page, servePage } from './browser.ts';
import type { Job, Report } from './renewal-page.ts';

interface RenewalPage {
  start(job: Job): Promise<void>;
  pass(seconds: number): Promise<void>;
  finish(): Promise<Report>;
}
type Scope = { renewalPage: RenewalPage };

/** Below the ten minutes after which API Gateway ends idle connections. */
const lifetimeSeconds = 400;
const stepSeconds = 10;

const clock = createManualClock();
let service: TestService;
let browser: Browser;
let page: Page;

describe.skipIf(lacks('chromium'))('a page in Chromium', () => {
  beforeAll(async () => {
    service = await startTestService({ clock });
    page = await servePage('test/integration/renewal-page.ts');
    browser = await launchChromium();
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    page?.close();
    await service?.close();
  });

  test.each([4, 5] as const)(
    'version %i: stays connected over three lifetimes of tokens',
    async (version) => {
      const mint = await service.tenant(`page${version}`);
      const tab = await browser.newPage();
      const reasons: string[] = [];
      await tab.exposeFunction('mintToken', (reason: string) => {
        reasons.push(reason);
        const iat = Math.floor(clock.now() / 1_000);
        return mint({ iat, exp: iat + lifetimeSeconds });
      });
      await tab.goto(page.url);
      const job: Job = {
        url: service.url,
        tenant: mint.tenant,
        protocolVersion: version,
        nowMs: clock.now(),
      };
      await tab.evaluate((one) => (globalThis as unknown as Scope).renewalPage.start(one), job);
      for (let seconds = 0; seconds < 3 * lifetimeSeconds; seconds += stepSeconds) {
        await clock.advance(stepSeconds * 1_000);
        await service.queues.idle();
        await tab.evaluate((step) => (globalThis as unknown as Scope).renewalPage.pass(step), stepSeconds);
      }
      const report = await tab.evaluate(() => (globalThis as unknown as Scope).renewalPage.finish());
      expect(reasons).toEqual(['connect', 'renew', 'renew', 'renew']);
      expect(report.errors).toEqual([]);
      expect(report.closes).toBe(version === 5 ? 0 : 3);
      expect(report.sent).toHaveLength((3 * lifetimeSeconds) / stepSeconds);
      expect(report.received).toEqual(report.sent);
      await tab.close();
    },
  );
});
