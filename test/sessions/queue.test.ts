import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type Connected, useSuite } from '../broker/suite.ts';
import type { Got } from '../support/raw-client.ts';

const maxQueuedMessages = 1_000;
const suite = useSuite({ settings: { ...defaultSettings, maxQueuedMessages } });
const kept = { clean: false, properties: { sessionExpiryInterval: 86_400 } };

const texts = (got: readonly Got[]): unknown[] => got.map(({ payload }) => payload);
const dropped = (): number => suite.service.counters.get('MessagesDroppedQueueFull') ?? 0;

async function sleeper(clientId: string, properties = {}): Promise<Connected> {
  const fields = { ...kept, clientId, properties: { ...kept.properties, ...properties } };
  const client = await suite.connect(fields);
  await client.send(subscribe(1, { topic: clientId, qos: 2 }));
  await client.exchange({ cmd: 'disconnect' });
  await suite.released();
  return client;
}

/**
 * Publishes `count` messages at QoS 1, a hundred per frame, and expects an acknowledgement of each.
 */
async function fill(topic: string, count: number, from = 0): Promise<void> {
  const publisher = await suite.connect();
  for (let sent = 0; sent < count; sent += 100) {
    const size = Math.min(100, count - sent);
    const packets = Array.from({ length: size }, (_, index) =>
      publish(topic, String(from + sent + index), { qos: 1, messageId: index + 1 }),
    );
    const replies = await publisher.send(...packets);
    expect(replies.map(({ cmd, reasonCode }) => [cmd, reasonCode])).toEqual(packets.map(() => ['puback', 0]));
  }
  await publisher.exchange({ cmd: 'disconnect' });
}

const acknowledgements = (got: readonly Got[]) =>
  got.map(({ messageId }) => ({ cmd: 'puback' as const, messageId: Number(messageId) }));

describe('the queue of an offline session', () => {
  it('is sent in batches, a window of Receive Maximum at a time [MQTT-3.3.4-9 v5, MQTT-4.6.0-6 v3+v5]', async () => {
    const window = 50;
    await sleeper('thousand');
    await fill('thousand', 1_000);
    const client = await suite.connect({
      ...kept,
      clientId: 'thousand',
      properties: { ...kept.properties, receiveMaximum: window },
    });
    let current = [...client.waited, ...(await client.settle())];
    const all: unknown[] = [];
    const postsBefore = client.texts.length;
    let windows = 0;
    while (current.length > 0) {
      expect(current.length).toBeLessThanOrEqual(window);
      all.push(...texts(current));
      windows += 1;
      current = [...(await client.exchange(...acknowledgements(current))).pushes];
    }
    expect(all).toEqual(Array.from({ length: 1_000 }, (_, index) => String(index)));
    expect(windows).toBe(1_000 / window);
    // One push and one route response for each window after the first.
    expect(client.texts.length - postsBefore).toBeLessThanOrEqual(2 * windows);
  });

  it('is bounded: the newest are dropped and counted, and acknowledgements make room', async () => {
    await sleeper('full');
    const before = dropped();
    await fill('full', maxQueuedMessages + 100);
    expect(dropped() - before).toBe(100);
    expect(suite.service.refusals.get('client-queue-full')).toBe(100);
    const lines = suite.service.logged.filter((line) => line.includes('client-queue-full'));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'info', message: 'refused', clientId: 'full', topic: 'full' }),
    ]);
    const client = await suite.connect({ ...kept, clientId: 'full' });
    const got: unknown[] = [];
    for (
      let current = [...client.waited, ...(await client.settle())];
      current.length > 0;
      current = [...(await client.exchange(...acknowledgements(current))).pushes]
    )
      got.push(...texts(current));
    expect(got).toEqual(Array.from({ length: maxQueuedMessages }, (_, index) => String(index)));
    await fill('full', 1, 5_000);
    expect(texts(await client.settle())).toEqual(['5000']);
  });

  it('drops expired messages, and sends the others with their remaining expiry [MQTT-3.3.2-5 v5, MQTT-3.3.2-6 v5]', async () => {
    await sleeper('expiry');
    const publisher = await suite.connect();
    for (const [index, messageExpiryInterval] of [60, 600, undefined].entries())
      await publisher.send(
        publish('expiry', String(messageExpiryInterval), {
          qos: 1,
          messageId: index + 1,
          ...(messageExpiryInterval === undefined ? {} : { properties: { messageExpiryInterval } }),
        }),
      );
    await suite.advance(120);
    const client = await suite.connect({ ...kept, clientId: 'expiry' });
    const got = [...client.waited, ...(await client.settle())];
    expect(got.map(({ payload, properties }) => [payload, properties])).toEqual([
      ['600', { messageExpiryInterval: 480 }],
      ['undefined', undefined],
    ]);
    expect(suite.service.counters.get('MessagesExpired')).toBe(1);
    expect(suite.service.refusals.get('message-expired')).toBe(1);
  });
});
