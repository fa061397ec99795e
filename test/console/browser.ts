import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { buildConsole } from '../../build/console.ts';
import { launchChromium } from '../integration/browser.ts';
import { startTestService, type TestService } from '../support/service.ts';

/** The local service with its console, and Chromium. */
export interface ConsoleUnderTest {
  readonly service: TestService;
  readonly browser: Browser;
  /** Origin of the console. */
  readonly origin: string;
  /** Directory of private keys. */
  readonly keyDirectory: string;
  /**
   * Opens the console with a new link, in a context of its own, and waits for its first page.
   *
   * @param hash `#/tenants/acme`: a page to go to
   */
  open(hash?: string, options?: BrowserContextOptions): Promise<OpenPage>;
  close(): Promise<void>;
}

/** A page, with everything that its console has complained about. */
export type OpenPage = Page & { readonly complaints: string[] };

/** A name that would run a script, were it taken for markup. */
export const hostile = '<img src=x onerror="document.title=1">';

/** Longest time that tests wait for what a page shows, in milliseconds. */
const patienceMs = 20_000;

export async function startConsoleUnderTest(): Promise<ConsoleUnderTest> {
  const directory = await mkdtemp(join(tmpdir(), 'wisp-console-'));
  const pageDirectory = join(directory, 'page');
  const keyDirectory = join(directory, 'keys');
  await buildConsole(pageDirectory);
  const service = await startTestService({ console: { keyDirectory, pageDirectory } });
  const browser = await launchChromium();
  const { origin } = new URL(service.adminUrl);
  return {
    service,
    browser,
    origin,
    keyDirectory,
    async open(hash, options = {}) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(patienceMs);
      const complaints: string[] = [];
      const page = await context.newPage();
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('console', (message) => {
        if (message.type() === 'error') complaints.push(message.text());
      });
      await page.goto(service.newConsoleUrl() ?? '');
      await page.getByRole('heading', { level: 1 }).waitFor();
      if (hash !== undefined) await page.goto(`${origin}/console${hash}`);
      return Object.assign(page, { complaints });
    },
    async close() {
      await browser.close();
      await service.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
