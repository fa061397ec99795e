import { expect, test } from 'vitest';
import { createFanoutHandler } from '../../functions/fanout.ts';
import type { Broker } from '../../lib/broker/broker.ts';
import type { FanoutSlice } from '../../lib/core/model.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createLocalLog } from '../../lib/local/log.ts';

const sliceOf = (id: string, changes: Partial<FanoutSlice> = {}): FanoutSlice => ({
  tenant: vouchedTenantId('acme'),
  id,
  topic: 't',
  filters: ['t'],
  messageIds: [`message of ${id}`],
  again: [],
  slice: 0,
  slices: 16,
  ...changes,
});

const recordOf = (slice: FanoutSlice, receiveCount?: number) => ({
  messageId: slice.id,
  receiptHandle: `receipt of ${slice.id}`,
  body: JSON.stringify({ v: 1, ...slice }),
  ...(receiveCount === undefined ? {} : { attributes: { ApproximateReceiveCount: String(receiveCount) } }),
});

/**
 * Runs the handler over a broker whose outcome depends on the id of a run's first slice; absent:
 * done.
 */
async function run(
  records: readonly object[],
  answers: Readonly<Record<string, 'unfinished' | 'fails'>> = {},
  returned: 'works' | 'fails' = 'works',
) {
  const worked: { ids: string[]; isRetry: boolean }[] = [];
  const back: { receipts: readonly string[]; seconds: number }[] = [];
  const logged: string[] = [];
  let flushed = 0;
  const slices: Broker['slices'] = async (given, isRetry) => {
    worked.push({ ids: given.map(({ id }) => id), isRetry });
    const answer = answers[given[0]?.id ?? ''];
    if (answer === 'fails') throw new Error('secret');
    return answer ?? 'done';
  };
  const handler = createFanoutHandler(() => ({
    broker: { slices } as Broker,
    log: createLocalLog('debug', (line) => logged.push(line)),
    flush: async () => {
      flushed += 1;
    },
    returnSlices: async (receipts, seconds) => {
      back.push({ receipts, seconds });
      if (returned === 'fails') throw new Error('SQS is away');
    },
  }));
  const { batchItemFailures } = await handler({ Records: records });
  expect(flushed).toBe(1);
  expect(logged.join()).not.toContain('secret');
  return { worked, back, failed: batchItemFailures.map(({ itemIdentifier }) => itemIdentifier) };
}

test('slices of one group that are received for the first time are delivered together', async () => {
  const records = ['a', 'b', 'c'].map((id) => recordOf(sliceOf(id), 1));
  expect(await run(records)).toEqual({
    worked: [{ ids: ['a', 'b', 'c'], isRetry: false }],
    back: [],
    failed: [],
  });
});

test('slices with other filters, or of other groups, are delivered separately', async () => {
  const records = [
    recordOf(sliceOf('a'), 1),
    recordOf(sliceOf('b', { filters: ['t', '#'] }), 1),
    recordOf(sliceOf('c', { filters: ['t', '#'] }), 1),
    recordOf(sliceOf('d', { slice: 1 }), 1),
    recordOf(sliceOf('e', { topic: 'u' }), 1),
  ];
  const { worked, failed } = await run(records);
  expect(worked.map(({ ids }) => ids).toSorted()).toEqual([['a'], ['b', 'c'], ['d'], ['e']]);
  expect(failed).toEqual([]);
});

test('a slice that was received before, or may have been, is delivered alone', async () => {
  const records = [recordOf(sliceOf('a'), 3), recordOf(sliceOf('b')), recordOf(sliceOf('c'), 1)];
  expect((await run(records)).worked).toEqual([
    { ids: ['a'], isRetry: true },
    { ids: ['b'], isRetry: true },
    { ids: ['c'], isRetry: false },
  ]);
});

test.each([
  ['unfinished', 1, 0],
  ['unfinished', 9, 0],
  ['fails', 1, 1],
  ['fails', 4, 8],
  ['fails', 30, 60],
] as const)(
  'one that is %s at try %i goes back with all behind it, for %i s',
  async (answer, count, seconds) => {
    const records = [
      recordOf(sliceOf('a'), count),
      recordOf(sliceOf('b', { filters: ['#'] }), 1),
      recordOf(sliceOf('c', { slice: 1 }), 1),
    ];
    const { worked, back, failed } = await run(records, { a: answer });
    expect(worked.map(({ ids }) => ids)).toEqual([['a'], ['c']]);
    expect(back).toEqual([{ receipts: ['receipt of a', 'receipt of b'], seconds }]);
    expect(failed).toEqual(['a', 'b']);
  },
);

test('slices that cannot be returned at once are still reported', async () => {
  const { failed } = await run([recordOf(sliceOf('a'), 1)], { a: 'fails' }, 'fails');
  expect(failed).toEqual(['a']);
});

test('a slice that this release cannot read fails alone', async () => {
  const newer = { ...recordOf(sliceOf('newer'), 1), body: JSON.stringify({ v: 2 }) };
  const broken = { ...recordOf(sliceOf('broken'), 1), body: '{secret' };
  const { worked, failed } = await run([newer, recordOf(sliceOf('a'), 1), broken, recordOf(sliceOf('b'), 1)]);
  expect(worked).toEqual([{ ids: ['a', 'b'], isRetry: false }]);
  expect(failed).toEqual(['newer', 'broken']);
});
