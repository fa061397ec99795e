import { expect, it } from 'vitest';
import { createGatherer } from '../../lib/edge/gatherer.ts';

it('gathers the calls of a turn by owner and kind, 64 in a batch', async () => {
  const gatherer = createGatherer();
  const batches: (readonly string[])[] = [];
  const together = (calls: readonly string[]): Promise<string>[] => {
    batches.push(calls);
    return calls.map(async (call) => {
      if (call === '7') throw new Error(call);
      return call;
    });
  };
  const [one, other] = [{}, {}];
  const calls = Array.from({ length: 130 }, (_, index) => gatherer.gather(one, 'a', `${index}`, together));
  calls.push(gatherer.gather(one, 'b', 'kind', together), gatherer.gather(other, 'a', 'owner', together));
  const results = await Promise.allSettled(calls);
  expect(batches.map(({ length }) => length)).toEqual([64, 64, 2, 1, 1]);
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
  expect(results[7]?.status).toBe('rejected');
  expect(results[129]).toEqual({ status: 'fulfilled', value: '129' });
});

it('begins a batch without waiting for an earlier one', async () => {
  const gatherer = createGatherer();
  const owner = {};
  const never = gatherer.gather(owner, 'a', 1, (calls: readonly number[]) =>
    calls.map(() => new Promise(() => {})),
  );
  const isDone = await Promise.race([
    new Promise((resolve) => setImmediate(resolve)).then(() =>
      gatherer.gather(owner, 'a', 2, (calls: readonly number[]) => calls.map(async (call) => call)),
    ),
    never,
  ]);
  expect(isDone).toBe(2);
});
