import { expect, it } from 'vitest';
import { checkDeliveries, checkEmptyQueues, textOf } from './invariants.ts';
import { World } from './world.ts';

it.each([1, 2] as const)('a handler that is kept sending lets go of the right to, QoS %i', async (qos) => {
  const world = new World();
  const subscriber = world.client({ id: 'sub', receiveMaximum: 1 });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  subscriber.subscribe('a', qos);
  await world.settle();

  for (let number = 1; number <= 120; number += 1) publisher.publish('a', textOf(publisher, number), qos);
  // The subscriber acknowledges each message before the sending handler lists the queue again.
  world.scheduler.chooser = (steps) =>
    Math.max(
      0,
      steps.findIndex(({ actor }) => !actor.startsWith('pub#')),
    );
  await world.scheduler.run();
  expect(world.errors).toEqual([]);
  checkDeliveries(world, subscriber, [publisher], qos);
  checkEmptyQueues(world);
  expect(world.violations).toEqual([]);
  expect(subscriber.sockets).toBe(1);
  const [session] = world.db.rows('sessions', 'session').filter((row) => row.session?.S === 'tenant/sub');
  expect(session?.sending).toBeUndefined();
});
