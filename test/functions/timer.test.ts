import { afterEach, expect, test } from 'vitest';
import { createTimerHandler } from '../../functions/timer.ts';
import { EventShapeError } from '../../lib/aws/events.ts';
import { localCredentials } from '../../lib/aws/settings.ts';
import { createSqsClient } from '../../lib/aws/sqs.ts';
import { createTimerQueue } from '../../lib/aws/timers.ts';
import type { Broker } from '../../lib/broker/broker.ts';
import type { ConnectionAddress } from '../../lib/core/model.ts';
import type { Timer } from '../../lib/core/timers.ts';
import { createManualClock } from '../../lib/local/clock.ts';
import { createLocalLog } from '../../lib/local/log.ts';
import { openQueueService, type QueueService } from '../../lib/local/queue/index.ts';

const minuteMs = 60_000;
let queues: QueueService | undefined;
afterEach(() => queues?.close());

const timerOf = (address: string): Timer => ({ kind: 'keep-alive', address: address as ConnectionAddress });
const bodyOf = (address: string, dueAtMs: number) =>
  JSON.stringify({ v: 1, timer: timerOf(address), dueAtMs });

/**
 * The timer function behind its queue, with a broker that records what arrives and fails for
 * `failing` addresses.
 */
async function timerService(failing: ReadonlySet<string> = new Set()) {
  const clock = createManualClock();
  queues = await openQueueService({
    clock,
    queues: {
      timers: { visibilityTimeoutSeconds: 60, deadLetter: { queue: 'dead', maxReceiveCount: 3 } },
      dead: {},
    },
  });
  const sqs = createSqsClient({
    region: 'us-east-1',
    credentials: localCredentials,
    requestHandler: queues.requestHandler,
  });
  const startMs = clock.now();
  const fired: { address: string; afterMs: number }[] = [];
  const logged: string[] = [];
  let calls = 0;
  const handleTimers: Broker['timers'] = (arrived) => {
    calls += 1;
    return Promise.allSettled(
      arrived.map(async ({ timer }) => {
        const address = 'address' in timer ? timer.address : '';
        fired.push({ address, afterMs: clock.now() - startMs });
        if (failing.has(address)) throw new Error('the broker failed');
      }),
    );
  };
  const timers = createTimerQueue(sqs, queues.urlOf('timers'), () => clock.now());
  let flushed = 0;
  const handler = createTimerHandler(() => ({
    broker: { timers: handleTimers } as Broker,
    log: createLocalLog('debug', (line) => logged.push(line)),
    flush: async () => {
      flushed += 1;
    },
  }));
  const service = queues;
  const attach = () => service.attach('timers', handler, { batchSize: 10, reportBatchItemFailures: true });
  /** Advances minute by minute, so that timers that are sent again arrive in time. */
  const advance = async (minutes: number) => {
    for (let minute = 0; minute < minutes; minute += 1) {
      await clock.advance(minuteMs);
      for (let turn = 0; turn < 5; turn += 1) {
        await new Promise(setImmediate);
        await service.idle();
      }
    }
  };
  return {
    clock,
    startMs,
    fired,
    logged,
    timers,
    handler,
    attach,
    advance,
    queues,
    calls: () => calls,
    flushed: () => flushed,
  };
}

const eventOf = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({ messageId: `m${index}`, receiptHandle: `r${index}`, body })),
});

test('hands all timers to the broker together, due or not', async () => {
  const { handler, fired, startMs, calls, flushed } = await timerService();
  const answer = await handler(
    eventOf(bodyOf('now', startMs), bodyOf('past', 0), bodyOf('later', startMs + 1)),
  );
  expect(answer).toEqual({ batchItemFailures: [] });
  expect(fired.map(({ address }) => address)).toEqual(['now', 'past', 'later']);
  expect(calls()).toBe(1);
  expect(flushed()).toBe(1);
});

test('reports only the records that failed, also damaged ones, without their content', async () => {
  const { handler, fired, startMs, logged } = await timerService(new Set(['bad']));
  const answer = await handler(
    eventOf(bodyOf('good', startMs), 'secret{', bodyOf('bad', startMs), '{"v":9}', bodyOf('fine', startMs)),
  );
  expect(answer).toEqual({
    batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm3' }, { itemIdentifier: 'm2' }],
  });
  expect(fired.map(({ address }) => address).toSorted()).toEqual(['bad', 'fine', 'good']);
  expect(logged).toHaveLength(3);
  expect(logged.join()).not.toContain('secret');
});

test('an event of another shape fails the invocation', async () => {
  const { handler } = await timerService();
  for (const wrong of [undefined, {}, { Records: [{}] }, { requestContext: { connectionId: 'x' } }])
    await expect(handler(wrong)).rejects.toThrow(EventShapeError);
  expect(await handler({ Records: [] })).toEqual({ batchItemFailures: [] });
});

test('a timer that fails is repeated alone and ends in the dead-letter queue', async () => {
  const { timers, fired, attach, advance, startMs, queues: service } = await timerService(new Set(['bad']));
  attach();
  for (const address of ['good', 'bad']) await timers.schedule(timerOf(address), startMs);
  await advance(10);
  expect(fired.filter(({ address }) => address === 'good')).toHaveLength(1);
  expect(fired.filter(({ address }) => address === 'bad')).toHaveLength(3);
  expect(service.counts('dead')).toMatchObject({ visible: 1 });
});
