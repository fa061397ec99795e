import { expect, it } from 'vitest';
import { Blocks } from '../../lib/edge/blocks.ts';

it('does not count channels whose block could not be stored', async () => {
  const calls: string[] = [];
  let fails = true;
  const blocks = new Blocks({
    async useBlock(block) {
      calls.push(`use ${block}`);
      if (fails) throw new Error('throttled');
    },
    freeBlock: async (block) => void calls.push(`free ${block}`),
  });
  const refused = [0, 1, 2].map((channel) => blocks.use(channel));
  for (const { stored } of refused) await expect(stored).rejects.toThrow();
  fails = false;
  const live = [3, 4].map((channel) => blocks.use(channel));
  for (const block of refused) blocks.free(block);
  const next = blocks.use(256);
  expect(calls).toEqual(['use 0', 'use 0', 'use 1']);
  for (const block of live) blocks.free(block);
  expect(calls.at(-1)).toBe('free 0');
  blocks.free(next);
  expect(calls.at(-1)).toBe('free 0');
});
