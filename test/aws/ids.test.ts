import { expect, test } from 'vitest';
import { createIds } from '../../lib/aws/ids.ts';

test('ids are 26 characters of base 32, unique, and sorted by the time of making', () => {
  let nowMs = 1_767_225_600_000;
  const ids = createIds(() => nowMs);
  const made = Array.from({ length: 1_000 }, () => {
    nowMs += 1;
    return ids.unique();
  });
  for (const id of made) expect(id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
  expect(made.toSorted()).toEqual(made);
  const together = Array.from({ length: 10_000 }, () => ids.unique());
  expect(new Set([...made, ...together]).size).toBe(11_000);
});

test('the time is that of a ULID', () => {
  // The example of the ULID specification.
  expect(
    createIds(() => 1_469_922_850_259)
      .unique()
      .slice(0, 10),
  ).toBe('01ARZ3NDEK');
});
