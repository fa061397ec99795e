import { expect, it } from 'vitest';
import { World } from '../races/world.ts';

it('in one frame a message at QoS 0 stays behind an earlier one at QoS 1 of its topic', async () => {
  const world = new World();
  const subscriber = world.client({ id: 'sub' });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  subscriber.subscribe('a', 2);
  subscriber.subscribe('b', 0);
  await world.settle();
  publisher.publish('a', 'first', 1);
  publisher.publish('a', 'second', 0);
  publisher.publish('b', 'of another topic', 0);
  await world.settle();
  const onTopic = subscriber.arrivals.filter(({ topic }) => topic === 'a');
  expect(onTopic.map(({ text }) => text)).toEqual(['first', 'second']);
  expect(subscriber.arrivals).toHaveLength(3);
  expect(world.violations).toEqual([]);
});
