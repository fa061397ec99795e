import type { Page } from 'playwright-core';

/** Answers calls for usage with a made-up working day: a service that has just begun has none. */
export async function showUsage(page: Page): Promise<void> {
  await page.route('**/usage?*', async (route) => {
    const { pathname, searchParams } = new URL(route.request().url());
    const scale = pathname.includes('acme') ? 1 : 0.2;
    const from = searchParams.get('from') ?? '';
    const isHour = searchParams.get('resolution') === 'hour';
    const stepMs = isHour ? 3_600_000 : 60_000;
    const steps: object[] = [];
    let atMs = Date.parse(isHour ? `${from}:00:00Z` : `${from}:00Z`);
    for (; atMs <= Date.now(); atMs += stepMs) {
      const name = new Date(atMs).toISOString().slice(0, isHour ? 13 : 16);
      steps.push(isHour ? hourOf(name, atMs, scale) : minuteOf(name, atMs, scale));
    }
    const now = {
      connections: Math.round(412 * scale),
      retainedMessages: Math.round(1_280 * scale),
      retainedBytes: Math.round(310_000 * scale),
    };
    await route.fulfill({ json: { now, [isHour ? 'hours' : 'minutes']: steps } });
  });
}

/** Between 0.5 and 1.5, slowly, with a little noise that is always the same. */
function wave(atMs: number): number {
  const slow = Math.sin(atMs / 6_000_000);
  const fast = Math.sin(atMs / 190_000) * Math.sin(atMs / 71_000);
  return 1 + 0.35 * slow + 0.15 * fast;
}

function minuteOf(minute: string, atMs: number, scale: number): object {
  const messagesIn = Math.round(5_400 * scale * wave(atMs));
  const refusals = Math.round(Math.max(0, 6 * Math.sin(atMs / 420_000)) * scale);
  return { minute, messagesIn, messagesOut: Math.round(messagesIn * 2.6), refusals };
}

function hourOf(hour: string, atMs: number, scale: number): object {
  const messagesIn = Math.round(324_000 * scale * wave(atMs));
  return {
    hour,
    messagesIn,
    bytesIn: messagesIn * 118,
    messagesOut: Math.round(messagesIn * 2.6),
    bytesOut: messagesIn * 300,
    connects: Math.round(38 * scale * wave(atMs)),
    connectionMs: Math.round(412 * scale * 3_600_000),
    packetsIn: Math.round(messagesIn * 1.2),
    deliveries: Math.round(messagesIn * 2.6),
    ruleDeliveries: Math.round(messagesIn * 0.1),
    ruleFailures: Math.round(3 * scale),
    storedBytes: Math.round(2_400_000 * scale),
    refusals: {
      'publish-not-authorized': Math.round(24 * scale * wave(atMs)),
      'connect-rate': Math.round(7 * scale * wave(atMs + 9_000_000)),
      'token-expired': Math.round(4 * scale),
    },
  };
}
