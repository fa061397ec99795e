/** `wisp-mqtt-client/react` in Chromium under StrictMode: what it shows, and what it sends. */
import type { Browser, Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { decodeClientFrame, splitPackets } from '../../lib/wire/index.ts';
import { type Mint, startTestService, type TestService } from '../support/service.ts';
import { lacks } from '../support/tools.ts';
import { launchChromium, type Page, servePage } from './browser.ts';
import type { Part, ReactPage } from './react-page.ts';

const subscribeType = 8;
const unsubscribeType = 10;
const list = (id: string, filter: string, qos: 0 | 1 | 2 = 0): Part => ({ kind: 'list', id, filter, qos });
const retained = (id: string, filter: string): Part => ({ kind: 'retained', id, filter });

let service: TestService;
let browser: Browser;
let page: Page;
let mint: Mint;
let tab: Tab;
let tenants = 0;
/** Types of the packets that the page has sent. */
let sent: number[];

function sentCount(): { subscribe: number; unsubscribe: number } {
  const countOf = (type: number) => sent.filter((other) => other === type).length;
  return { subscribe: countOf(subscribeType), unsubscribe: countOf(unsubscribeType) };
}

function note(text: string | Buffer): void {
  const frame = decodeClientFrame(String(text));
  if (frame.kind !== 'packets') return;
  const { packets } = splitPackets(frame.bytes);
  sent.push(...packets.map((packet) => (packet[0] ?? 0) >> 4));
}

async function start(sessionExpirySeconds = 300, claims: Record<string, unknown> = {}): Promise<void> {
  const token = await mint(claims);
  await call('start', { url: service.url, tenant: mint.tenant, token, sessionExpirySeconds });
}

async function call<Name extends keyof ReactPage>(
  name: Name,
  ...args: Parameters<ReactPage[Name]>
): Promise<Awaited<ReturnType<ReactPage[Name]>>> {
  return tab.evaluate(
    ([method, given]) =>
      (globalThis as unknown as { wispPage: Record<string, (...all: unknown[]) => unknown> }).wispPage[
        method
      ]?.(...given),
    [name as string, args] as const,
  ) as Promise<Awaited<ReturnType<ReactPage[Name]>>>;
}

/** Waits until an element has this text. */
async function shows(id: string, text: string): Promise<void> {
  await tab.waitForFunction(
    `document.getElementById(${JSON.stringify(id)})?.textContent === ${JSON.stringify(text)}`,
  );
}

describe.skipIf(lacks('chromium'))('hooks', { timeout: 15_000 }, () => {
  beforeAll(async () => {
    service = await startTestService();
    page = await servePage('test/integration/react-page.ts');
    browser = await launchChromium();
  }, 60_000);

  beforeEach(async () => {
    tenants += 1;
    mint = await service.tenant(`react-${tenants}`);
    sent = [];
    tab = await browser.newPage();
    tab.on('websocket', (socket) => socket.on('framesent', ({ payload }) => note(payload)));
    await tab.goto(page.url);
    return () => tab.close();
  });

  afterAll(async () => {
    await browser?.close();
    page?.close();
    await service?.close();
  });

  test('send one SUBSCRIBE for all filters of a page, whatever the renders, and one UNSUBSCRIBE', async () => {
    await start();
    const parts = [list('one', 'a/#'), list('two', 'a/#'), retained('value', 'b/+'), list('other', 'c')];
    await call('show', parts, 200);
    for (const text of ['1', '2', '3', '4']) await call('publish', 'a/x', text);
    await shows('one', '2 3 4');
    await shows('two', '2 3 4');
    expect(sentCount()).toEqual({ subscribe: 1, unsubscribe: 0 });

    await call('show', [list('one', 'a/#'), list('again', 'c')], 50);
    await call('publish', 'c', 'moved');
    await shows('again', 'moved');
    await call('publish', 'a/x', '5');
    await shows('one', '3 4 5');
    // `c` went from one component to another, `b/+` is gone.
    expect(sentCount()).toEqual({ subscribe: 1, unsubscribe: 1 });

    await call('show', []);
    await call('publish', 'a/x', '6');
    expect(sentCount()).toEqual({ subscribe: 1, unsubscribe: 2 });
    expect(await call('seen')).toMatchObject({ errors: [], publishFunctions: 1 });
  });

  test('know the retained values, live changes and deletions, and those of a filter held before', async () => {
    await start();
    await call('show', []);
    await call('publish', 'room/1', '20', true);
    await call('publish', 'room/2', '21', true);
    await call('show', [retained('values', 'room/+')]);
    await shows('values', 'room/1=20 room/2=21');
    await call('publish', 'room/1', '25', true);
    await shows('values', 'room/1=25 room/2=21');
    await call('show', [retained('values', 'room/+'), retained('later', 'room/+')], 20);
    await shows('later', 'room/1=25 room/2=21');
    await call('publish', 'room/2', '', true);
    await shows('later', 'room/1=25');
    expect(sentCount()).toEqual({ subscribe: 1, unsubscribe: 0 });
  });

  test('call back once per message', async () => {
    await start();
    const parts: Part[] = [{ kind: 'callback', id: 'called', filter: 'a' }, list('end', 'a')];
    await call('show', parts, 20);
    await call('publish', 'a', '1');
    await call('publish', 'a', '2');
    await shows('end', '1 2');
    expect((await call('seen')).heard).toEqual({ called: ['1', '2'] });
  });

  test('subscribe again for a higher QoS only', async () => {
    await start();
    await call('show', [list('zero', 'a', 0)]);
    await call('publish', 'a', '1');
    await call('show', [list('zero', 'a', 0), list('one', 'a', 1)]);
    await call('publish', 'a', '2');
    await call('show', [list('one', 'a', 1), list('another', 'a', 0)]);
    await call('publish', 'a', '3');
    await shows('another', '3');
    await shows('one', '2 3');
    expect(sentCount()).toEqual({ subscribe: 2, unsubscribe: 0 });
  });

  test.each([
    ['resumed', 300, 1],
    ['lost', 0, 2],
  ])('survive a reconnect with its session %s', async (_name, sessionExpirySeconds, subscribes) => {
    await start(sessionExpirySeconds);
    await call('show', [list('one', 'a')], 20);
    await call('publish', 'a', '1');
    await call('reconnect');
    await call('show', [list('one', 'a')], 20);
    await call('publish', 'a', '2');
    await shows('one', '1 2');
    expect(sentCount()).toEqual({ subscribe: subscribes, unsubscribe: 0 });
  });

  test.each([300, 0])(
    'subscribe after a cut took SUBSCRIBE along; session of %d s',
    async (expirySeconds) => {
      await start(expirySeconds);
      await call('showWhileCut', [list('one', 'a'), retained('value', 'b')]);
      await call('publish', 'a', '1');
      await shows('one', '1');
    },
  );

  test('tell which filter is refused, and hold the others, also after the session is lost', async () => {
    await start(0, { mqtt: { publish: ['#'], subscribe: ['7', 'open/#'] } });
    await call(
      'show',
      [list('closed', 'closed'), list('open', 'open/x'), list('bad', 'a/#/b'), list('n', '7')],
      20,
    );
    await call('publish', 'open/x', '1');
    await shows('open', '1');
    const { errors } = await call('seen');
    expect(errors.map((text) => text.split(':')[0]).sort()).toEqual(['a/#/b', 'closed']);
    await call('reconnect');
    await call('publish', 'open/x', '2');
    await call('publish', '7', '3');
    await shows('open', '1 2');
    await shows('n', '3');
  });

  test('hold what one SUBSCRIBE asked beside a refused filter, after the session is lost', async () => {
    await start(0, { mqtt: { publish: ['#'], subscribe: ['open/#'] } });
    await call('show', [list('closed', 'closed'), list('open', 'open/x')]);
    await call('publish', 'open/x', '1');
    await shows('open', '1');
    expect(sentCount()).toEqual({ subscribe: 1, unsubscribe: 0 });
    await call('reconnect');
    await call('publish', 'open/x', '2');
    await shows('open', '1 2');
  });
});
