import { expect, test } from 'vitest';
import { LiveList, maxLiveItems } from '../../console/mqtt/live-list.ts';

function listWithFrames() {
  const frames: (() => void)[] = [];
  const list = new LiveList<number>((run) => frames.push(run));
  const frame = () => {
    for (const run of frames.splice(0)) run();
  };
  return { list, frame };
}

test('keeps the newest 1,000 items', () => {
  const { list, frame } = listWithFrames();
  for (let item = 0; item < maxLiveItems + 500; item += 1) {
    list.add(item);
    if (item % 100 === 0) frame();
  }
  frame();
  expect(list.items.value).toHaveLength(maxLiveItems);
  expect(list.items.value[0]).toBe(500);
  expect(list.total.value).toBe(maxLiveItems + 500);
  expect(list.pause.value).toBeUndefined();
});

test('a flood between two frames pauses it, and is counted', () => {
  const { list, frame } = listWithFrames();
  for (let item = 0; item < 50_000; item += 1) list.add(item);
  frame();
  expect(list.pause.value).toBe('too-fast');
  expect(list.items.value).toHaveLength(maxLiveItems);
  expect(list.leftOut.value).toBe(50_000 - maxLiveItems);
  list.resume();
  list.add(7);
  frame();
  expect(list.items.value.at(-1)).toBe(7);
  expect(list.leftOut.value).toBe(0);
});

test('nothing is added while the operator pauses', () => {
  const { list, frame } = listWithFrames();
  list.add(1);
  list.pauseNow();
  list.add(2);
  frame();
  expect(list.items.value).toEqual([1]);
  expect(list.leftOut.value).toBe(1);
});
