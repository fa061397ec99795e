import { afterAll, beforeAll, expect, test } from 'vitest';
import { createManualClock } from '../../lib/local/clock.ts';
import { startTestService, type TestService } from '../support/service.ts';

const clock = createManualClock(Date.UTC(2026, 0, 1, 6));
let service: TestService;
beforeAll(async () => {
  service = await startTestService({ clock });
});
afterAll(() => service.close());

test('stored bytes are reported for every hour, including idle hours', async () => {
  const mint = await service.tenant('acme');
  const retain = async (topic: string, payload: string): Promise<void> => {
    const headers = { authorization: `Bearer ${await mint({ exp: undefined })}` };
    const url = `${service.publishUrl}/${topic}?retain=true`;
    expect((await fetch(url, { method: 'POST', headers, body: payload })).status).toBe(200);
  };
  /** The next publish makes the process write the usage that is due. */
  const write = async (): Promise<void> => {
    await clock.advance(11_000);
    const headers = { authorization: `Bearer ${await mint({ exp: undefined })}` };
    await fetch(`${service.publishUrl}/x`, { method: 'POST', headers });
  };
  const hours = async (query: string): Promise<unknown[]> => {
    const response = await fetch(`${service.adminUrl}/tenants/acme/usage?${query}`);
    const body = (await response.json()) as { hours: { hour: string; storedBytes: number }[] };
    return body.hours.map(({ hour, storedBytes }) => [hour.slice(11), storedBytes]);
  };
  await retain('a', '123');
  await retain('b', '12345678');
  await write();
  await clock.advance(3 * 3_600_000);
  await retain('b', '');
  await write();
  await clock.advance(3_600_000);
  const all = [
    ['06', 13],
    ['07', 13],
    ['08', 13],
    ['09', 4],
    ['10', 4],
  ];
  expect(await hours('from=2026-01-01T00&to=2026-01-01T23')).toEqual(all);
  expect(await hours('from=2026-01-01T08&to=2026-01-01T08')).toEqual(all.slice(2, 3));
});
