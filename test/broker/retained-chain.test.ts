import { expect, it } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

// A run leaves room in the queue, so timers and acknowledgements continue at the same time.
const suite = useSuite({
  settings: { ...defaultSettings, maxQueuedMessages: 300, retainedPerRun: 100 },
});

it('acknowledgements that come while a timer is due do not send anything twice', async () => {
  const publisher = await suite.connect();
  const topics = Array.from({ length: 800 }, (_, index) => `chain/${String(index).padStart(3, '0')}`);
  for (let from = 0; from < topics.length; from += 50)
    await publisher.send(
      ...topics
        .slice(from, from + 50)
        .map((topic, index) =>
          publish(topic, suite.text('x'), { qos: 1, retain: true, messageId: index + 1 }),
        ),
    );
  const client = await suite.connect();
  const got: unknown[] = [];
  let { pushes } = await client.exchange(subscribe(1, { topic: 'chain/#', qos: 1 }));
  for (let idle = 0; idle < 3; idle = pushes.length === 0 ? idle + 1 : 0) {
    got.push(...pushes.map(({ topic }) => topic));
    const answers = pushes.map(({ messageId }) => ({ cmd: 'puback' as const, messageId: Number(messageId) }));
    ({ pushes } = await client.exchange(...answers, { cmd: 'pingreq' }));
    if (pushes.length > 0) continue;
    await suite.service.queues.idle();
  }
  expect(got).toEqual(topics);
});
