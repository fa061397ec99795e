import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestService, type TestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

let service: TestService;
let browser: Browser;
let page: { url: string; close(): void };

/** The page and MQTT.js in one script, over plain HTTP on loopback. */
async function servePage(): Promise<{ url: string; close(): void }> {
  const bundle = await build({
    entryPoints: ['test/integration/browser-page.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    define: { global: 'globalThis', 'process.env.NODE_DEBUG': '""' },
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>Wisp</title><script src="/page.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe.skipIf(lacks('chromium'))('Chromium', () => {
  beforeAll(async () => {
    service = await startTestService();
    page = await servePage();
    browser = await chromium.launch({
      executablePath: requireTool('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    });
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
