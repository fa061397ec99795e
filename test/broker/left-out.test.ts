import { expect, it } from 'vitest';
import type { Ports } from '../../lib/core/ports.ts';
import { UnreadableItemError } from '../../lib/core/unreadable-item.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

/** Client ids whose session row cannot be read. */
const damaged = new Set<string>();
/** Before the second text of a batch to this address, the client moves. */
let moves: { address: string; texts: number; move: () => Promise<void> } | undefined;
const suite = useSuite({
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    sessions: {
      ...ports.sessions,
      async allocate(key, generation, count) {
        if (damaged.has(key.clientId)) throw new UnreadableItemError('damaged');
        return ports.sessions.allocate(key, generation, count);
      },
    },
    gateway: {
      ...ports.gateway,
      async post(address, text) {
        if (moves?.address === address) {
          moves.texts += 1;
          if (moves.texts === 2) await moves.move();
        }
        return ports.gateway.post(address, text);
      },
    },
  }),
});

it('a session that cannot be read does not fail a publish to others', async () => {
  const [broken, whole, from] = [await suite.connect(), await suite.connect(), await suite.connect()];
  for (const client of [broken, whole]) await client.send(subscribe(1, { topic: 'left', qos: 1 }));
  damaged.add(broken.clientId);
  const answers = await from.send(publish('left', suite.text('1'), { qos: 1, messageId: 1 }));
  damaged.clear();
  expect(answers).toMatchObject([{ cmd: 'puback', messageId: 1 }]);
  expect(await whole.settle()).toMatchObject([{ topic: 'left' }]);
  expect(await broken.settle()).toEqual([]);
  expect(suite.service.counters.get('MessagesDroppedUnreadable')).toBe(1);
  expect(suite.service.logged.filter((line) => line.includes('cannot be read'))).toHaveLength(1);
});

it('messages at QoS 0 that were sent before the connection was gone are not sent again', async () => {
  const kept = { clientId: 'mover', clean: false, properties: { sessionExpiryInterval: 600 } } as const;
  const old = await suite.connect(kept);
  const topic = `moving/${'x'.repeat(900)}`;
  await old.send(subscribe(1, 'moving/#'));
  const from = await suite.connect();
  const alias = { properties: { topicAlias: 1 } };
  await from.send(publish(topic, suite.text('0'), alias));
  expect(await old.settle()).toHaveLength(1);
  const address = (await suite.session('mover'))?.address;
  if (address === undefined) throw new Error('no address');
  const got: unknown[] = [];
  moves = {
    address,
    texts: 0,
    move: async () => {
      got.push(...(await old.settle()));
      const next = await suite.connect(kept);
      got.push(...next.waited);
      follow = () => next.settle();
    },
  };
  let follow: () => Promise<readonly unknown[]> = async () => [];
  // One frame from its publisher, and two texts to a subscriber without aliases.
  const labels = Array.from({ length: 40 }, (_, index) => `${index + 1}`);
  await from.send(...labels.map((label) => publish('', suite.text(label), alias)));
  moves = undefined;
  got.push(...(await follow()));
  expect(got.map((one) => (one as { payload: string }).payload)).toEqual(labels.map(suite.text));
});
