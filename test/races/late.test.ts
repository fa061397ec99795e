import { expect, it } from 'vitest';
import { World } from './world.ts';

it('a QoS 2 PUBLISH handled after its exchange was finished on another connection is not published again', async () => {
  const world = new World();
  const subscriber = world.client({ id: 'sub' });
  const publisher = world.client({ id: 'pub' });
  await world.settle();
  subscriber.subscribe('a', 2);
  await world.settle();

  publisher.publish('a', 'pub:1', 2);
  const late = 'pub#4';
  // It reads; everything else happens before its first write.
  world.scheduler.chooser = (steps) => {
    const reading = steps.findIndex(({ actor, label }) => actor === late && !label.startsWith('PutItem'));
    if (reading >= 0) return reading;
    return Math.max(
      0,
      steps.findIndex(({ actor }) => actor !== late),
    );
  };
  world.events.push({ actor: 'network', label: 'connects again', run: () => publisher.connect() });
  await world.scheduler.run();
  expect(world.scheduler.trace.some((line) => line.startsWith(`${late}: PutItem tenant/pub r#`))).toBe(true);
  expect(world.errors).toEqual([]);
  expect(publisher.idle).toBe(true);
  expect(subscriber.arrivals.map(({ text }) => text)).toEqual(['pub:1']);
});

it('a look at a connection that fails and comes again is followed by one timer, not by two', async () => {
  const world = new World();
  world.client({ id: 'sub' });
  await world.settle();
  const keepAlives = () => world.timers.filter(({ timer }) => timer.kind === 'connections');
  const [due] = keepAlives();
  world.faults = { crashBefore: 'timers' };
  world.advance(100_000);
  await world.settle();
  expect(world.scheduler.trace.some((line) => line.includes('CRASH'))).toBe(true);
  world.faults = {};
  if (due !== undefined) world.timers.push(due);
  await world.settle();
  expect(keepAlives()).toHaveLength(1);
});
