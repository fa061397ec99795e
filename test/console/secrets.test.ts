import { expect, test } from 'vitest';
import { createSecrets } from '../../lib/local/console/secrets.ts';

function secretsAt(start = 0) {
  const clock = { nowMs: start };
  return { clock, secrets: createSecrets({ maxSecrets: 3, lifetimeMs: 1_000, nowMs: () => clock.nowMs }) };
}

test('a secret is good until its time is over', () => {
  const { clock, secrets } = secretsAt();
  const secret = secrets.issue();
  clock.nowMs = 999;
  expect(secrets.isValid(secret)).toBe(true);
  clock.nowMs = 1_000;
  expect([secrets.isValid(secret), secrets.takeBack(secret)]).toEqual([false, false]);
});

test('it can be taken back once', () => {
  const { secrets } = secretsAt();
  const secret = secrets.issue();
  expect([secrets.takeBack(secret), secrets.takeBack(secret), secrets.isValid(secret)]).toEqual([
    true,
    false,
    false,
  ]);
});

test('the oldest makes room for a new one, so that links do not fill the memory', () => {
  const { secrets } = secretsAt();
  const all = [1, 2, 3, 4, 5].map(() => secrets.issue());
  expect(all.map((secret) => secrets.isValid(secret))).toEqual([false, false, true, true, true]);
});
