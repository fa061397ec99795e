/**
 * Runs the examples as their READMEs do, against the local service. test/cdk runs examples/cdk-app.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildClient } from '../../build/client.ts';
import { type Bridge, startBridge } from '../../lib/bridge/index.ts';
import { inbox, startTestService, type TestService } from '../support/service.ts';
import { lacks, requireTool } from '../support/tools.ts';

/** A Python with the packages of examples/paho-python/requirements.txt. */
const { WISP_PYTHON: python = '' } = process.env;

let service: TestService;
let bridge: Bridge;
const children: ChildProcess[] = [];

beforeAll(async () => {
  // The examples import the package by name, which is a link to lib/client.
  await buildClient();
  service = await startTestService();
  bridge = await startBridge({ upstreamUrl: service.url, mqttPort: 0 });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await bridge?.close();
  await service?.close();
});

function start(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, nextLine: async () => (await lines.next()).value as string };
}

describe('examples', () => {
  it('node-sensor measures, obeys and says goodbye', async () => {
    const mint = await service.tenant('sensors');
    const watcher = await service.connect(mint);
    const messages = inbox(watcher);
    await watcher.subscribeAsync('sensors/+/+', { qos: 1 });
    const { child } = start(process.execPath, ['examples/node-sensor/sensor.mjs', 's1'], {
      WISP_URL: service.url,
      WISP_TENANT: mint.tenant,
      WISP_TOKEN: await mint(),
    });
    expect(await messages.next()).toMatchObject({ topic: 'sensors/s1/status', text: 'online' });
    const { topic, text } = await messages.next();
    expect(topic).toBe('sensors/s1/temperature');
    expect(JSON.parse(text).celsius).toBeGreaterThan(0);
    await watcher.publishAsync('sensors/s1/interval', '100', { qos: 1 });
    await until(messages, 'sensors/s1/status', 'every 100 ms');
    const end = once(child, 'exit');
    child.kill('SIGTERM');
    await until(messages, 'sensors/s1/status', 'offline');
    expect(await end).toEqual([0, null]);
  });

  it.skipIf(lacks('chromium'))('browser connects, publishes and shows what arrives', async () => {
    const mint = await service.tenant('pages');
    const { nextLine } = start(process.execPath, ['examples/browser/serve.mjs', '0']);
    const browser = await chromium.launch({
      executablePath: requireTool('chromium'),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
    });
    try {
      const page = await browser.newPage();
      await page.goto(await nextLine());
      await page.fill('[name=url]', service.url);
      await page.fill('[name=tenant]', mint.tenant);
      await page.fill('[name=token]', await mint());
      await page.click('#login button');
      await page.getByText('connected', { exact: true }).waitFor();
      await page.fill('[name=text]', 'hello');
      await page.click('#publish button');
      await page.getByText('chat/browser: hello').waitFor();
    } finally {
      await browser.close();
    }
  });

  it.skipIf(python === '')('paho-python publishes and receives over the bridge', async () => {
    const mint = await service.tenant('python');
    const { child, nextLine } = start(python, ['examples/paho-python/sensor.py', 'p1'], {
      WISP_PORT: String(bridge.mqttPort),
      WISP_TENANT: mint.tenant,
      WISP_TOKEN: await mint(),
    });
    const end = once(child, 'exit');
    expect(await nextLine()).toMatch(/^sensors\/p1\/temperature \{"celsius": \d+\.\d\}$/);
    expect(await end).toEqual([0, null]);
  });
});

async function until(messages: ReturnType<typeof inbox>, topic: string, text: string): Promise<void> {
  let message = await messages.next();
  while (message.topic !== topic || message.text !== text) message = await messages.next();
}
