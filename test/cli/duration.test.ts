import { expect, it } from 'vitest';
import { parseDuration } from '../../lib/cli/duration.ts';

it.each([
  ['1s', 1],
  ['90s', 90],
  ['15m', 900],
  ['1h', 3_600],
  ['7d', 604_800],
  ['3650d', 315_360_000],
])('%s is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each([
  '',
  '1',
  'h',
  '0s',
  '01h',
  '-1h',
  '+1h',
  '1.5h',
  '1 h',
  '1H',
  '1w',
  '1h30m',
  '3651d',
  '9999999999s',
  '١h',
])('%j is refused', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
