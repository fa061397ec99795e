import { expect, it } from 'vitest';
import { World } from '../races/world.ts';

it('members that are online share messages evenly; one that sleeps gets none while others are there', async () => {
  const world = new World({ seed: 7 });
  const members = ['one', 'two', 'three', 'asleep'].map((id) => world.client({ id }));
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  for (const member of members) member.subscribe('$share/group/#', 1);
  await world.settle();
  members[3]?.disconnect();
  await world.settle();

  const messages = 600;
  for (let number = 0; number < messages; number += 1) publisher.publish(`t/${number % 5}`, `${number}`, 1);
  await world.settle();

  const counts = members.map((member) => member.arrivals.length);
  expect(counts.reduce((sum, count) => sum + count)).toBe(messages);
  expect(counts[3]).toBe(0);
  // The binomial distribution B(600, 1/3) has a standard deviation of 11.5; the bound is five of
  // them.
  for (const count of counts.slice(0, 3)) expect(Math.abs(count - messages / 3)).toBeLessThan(58);
});
