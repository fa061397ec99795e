import { expect, test } from 'vitest';
import { bodies, clock, receive, remove, send } from './queues.ts';

const flood = (group: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => send('plain', `${group}${index}`, { MessageGroupId: group })),
  );

test('a group with a backlog and 30 messages in flight yields to the others', async () => {
  await flood('noisy', 60);
  for (let batch = 0; batch < 3; batch += 1) await receive('plain');
  await send('plain', 'quiet', { MessageGroupId: 'quiet' });
  await send('plain', 'alone');
  const next = await bodies('plain');
  expect(next.slice(0, 2).sort()).toEqual(['alone', 'quiet']);
  expect(next).toHaveLength(10);
});

test('messages come in their order while no group is noisy', async () => {
  await flood('first', 20);
  await receive('plain');
  await clock.advance(1);
  await send('plain', 'second', { MessageGroupId: 'second' });
  expect(await bodies('plain')).not.toContain('second');
  expect(await bodies('plain')).toEqual(['second']);
});

test('of two noisy groups the one with fewer messages in flight comes first', async () => {
  await flood('a', 60);
  for (let batch = 0; batch < 4; batch += 1) await receive('plain');
  await flood('b', 60);
  for (let batch = 0; batch < 3; batch += 1) {
    const next = await bodies('plain');
    expect(next.every((body) => body?.startsWith('b'))).toBe(true);
  }
  // Both are noisy now, a with 40 in flight and b with 30.
  const next = await bodies('plain');
  expect(next.every((body) => body?.startsWith('b'))).toBe(true);
});

test('a group is quiet again when its backlog is gone', async () => {
  await flood('noisy', 40);
  const received = [];
  for (let batch = 0; batch < 4; batch += 1) received.push(...(await receive('plain')));
  expect(await receive('plain')).toEqual([]);
  for (const { ReceiptHandle } of received) await remove('plain', ReceiptHandle);
  await send('plain', 'again', { MessageGroupId: 'noisy' });
  await clock.advance(1);
  await send('plain', 'other', { MessageGroupId: 'other' });
  expect(await bodies('plain')).toEqual(['again', 'other']);
});
