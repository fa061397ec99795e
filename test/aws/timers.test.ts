import { afterEach, expect, test } from 'vitest';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import { createTimerQueue, TimerFormatError, timerFrom } from '../../lib/aws/timers.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import type { Timer } from '../../lib/core/timers.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import { openQueueService, type QueueService } from '../../lib/local/queue/index.ts';

const address = 'L0SM9cOFvHcCIhw=' as ConnectionAddress;
const timer: Timer = { kind: 'keep-alive', address };
let queues: QueueService<'timers'> | undefined;
afterEach(() => queues?.close());

/** Timers over a queue, and its messages as they arrive. */
async function timersOf(clock = createManualClock()) {
  queues = await openQueueService({ queues: { timers: {} }, clock });
  const sqs = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: queues.requestHandler,
  });
  const arrived: { body: string; atMs: number }[] = [];
  queues.attach('timers', async (event) => {
    for (const { body } of event.Records) arrived.push({ body, atMs: clock.now() });
  });
  const service = queues;
  const advance = async (milliseconds: number) => {
    await clock.advance(milliseconds);
    await new Promise(setImmediate);
    await service.idle();
  };
  return {
    clock,
    arrived,
    advance,
    timers: createTimerQueue(sqs, queues.urlOf('timers'), () => clock.now()),
  };
}

test.each([
  ['at once when it is overdue', -5_000, 0],
  ['at once', 0, 0],
  ['rather late than early', 1_001, 2_000],
  ['after the longest delay there is', 900_000, 900_000],
  ['at the latest after 15 minutes, to be sent on', 3_600_000, 900_000],
  ['at the latest after 15 minutes, however far off', 0xffff_ffff * 1000, 900_000],
])('a timer arrives %s', async (_, inMs, arrivesAfterMs) => {
  const { timers, arrived, clock, advance } = await timersOf();
  const startMs = clock.now();
  await timers.schedule(timer, startMs + inMs);
  if (arrivesAfterMs > 0) {
    await advance(arrivesAfterMs - 1);
    expect(arrived).toEqual([]);
  }
  await advance(arrivesAfterMs > 0 ? 1 : 0);
  expect(arrived.map(({ atMs }) => atMs - startMs)).toEqual([arrivesAfterMs]);
  expect(timerFrom(arrived[0]?.body ?? '')).toEqual({ v: 1, timer, dueAtMs: startMs + inMs });
});

test.each([
  { kind: 'authentication-deadline', address },
  { kind: 'keep-alive', address },
  { kind: 'token-expiry', address },
  { kind: 'will', address, tenant: 'acme', clientId: '😀/ö' },
  {
    kind: 'recount',
    tenant: 'acme',
    atMs: 1,
    phase: 'retained',
    counted: { connections: 0, retainedMessages: 1, retainedBytes: 9 },
    after: 'a',
  },
  { kind: 'ban', tenant: 'acme', clientId: 'c' },
  { kind: 'sender', address, tenant: 'acme', clientId: 'c' },
  { kind: 'session-expiry', generation: 'g', tenant: 'acme', clientId: '"\\\u0001' },
  { kind: 'rule-records', tenant: 'acme', rule: 'r' },
] as unknown as Timer[])('reads back a timer: $kind', async (one) => {
  const { timers, arrived, clock, advance } = await timersOf();
  await timers.schedule(one, clock.now());
  await advance(0);
  expect(timerFrom(arrived[0]?.body ?? '').timer).toEqual(one);
});

test.each([
  ['null', 'null'],
  ['a number', '7'],
  ['a newer version', JSON.stringify({ v: 2, timer, dueAtMs: 1 })],
  ['no version', JSON.stringify({ timer, dueAtMs: 1 })],
  ['no time', JSON.stringify({ v: 1, timer })],
  ['a time that is a text', JSON.stringify({ v: 1, timer, dueAtMs: '1' })],
  ['no timer', JSON.stringify({ v: 1, dueAtMs: 1 })],
  ['an unknown kind', JSON.stringify({ v: 1, timer: { kind: 'other', address }, dueAtMs: 1 })],
  ['a timer without an address', JSON.stringify({ v: 1, timer: { kind: 'will' }, dueAtMs: 1 })],
  [
    'a timer of a tenant that cannot be',
    JSON.stringify({
      v: 1,
      timer: { kind: 'session-expiry', generation: 'g', tenant: 'A/b', clientId: 'c' },
      dueAtMs: 1,
    }),
  ],
])('a damaged message is refused: %s', (_, body) => {
  expect(() => timerFrom(body)).toThrow(TimerFormatError);
});

test.each(['{', ''])('what is no JSON is refused: "%s"', (body) => {
  expect(() => timerFrom(body)).toThrow(SyntaxError);
});
