import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PublishPacket } from '../../lib/mqtt/types.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { RawClient } from '../support/raw-client.ts';
import { publish, subscribe } from './packets.ts';

let metered: Metered;
let client: RawClient;
let subscriber: RawClient;
beforeEach(async () => {
  metered = await startMetered();
  const mint = await metered.service.tenant('acme');
  client = await metered.connect(mint, 'client');
  subscriber = await metered.connect(mint, 'subscriber');
  await subscriber.send(subscribe(1, '#'));
});
afterEach(() => metered.close());

const aliased = (topicAlias: number, topic = ''): PublishPacket =>
  publish(topic, `${topicAlias}`, { properties: { topicAlias } });
const longTopic = (alias: number, letter: string) => `${alias}/${letter.repeat(950)}`;

/** A 1 KB frame that sets an alias wrote 34 units. */
test('32 long aliases, set again and again, cost what each of them is long', async () => {
  const aliases = Array.from({ length: 32 }, (_, index) => index + 1);
  await client.send(...aliases.slice(0, 20).map((alias) => aliased(alias, longTopic(alias, 'a'))));
  await client.send(...aliases.slice(20).map((alias) => aliased(alias, longTopic(alias, 'a'))));
  for (const alias of [1, 32]) {
    const set = await metered.measure(() => client.send(aliased(alias, longTopic(alias, 'b'))));
    expect(set.writeUnits).toBeLessThanOrEqual(3);
  }
  const usual = await metered.measure(() => client.send(publish('a', 'x')));
  expect(usual.readUnits).toBeLessThanOrEqual(2);
  await subscriber.settle();
  const uses = await metered.measure(() => client.send(...aliases.map((alias) => aliased(alias))));
  expect(uses.readUnits).toBeLessThanOrEqual(40);
  const topics = (await subscriber.settle()).map(({ topic }) => topic);
  expect(topics).toEqual(aliases.map((alias) => longTopic(alias, alias === 1 || alias === 32 ? 'b' : 'a')));
});

test('an alias moves between the row and a row of its own', async () => {
  const topics = ['short', longTopic(1, 'a'), 'other', longTopic(1, 'b'), 'again'];
  await client.send(aliased(2, longTopic(2, 'x')));
  for (const topic of topics) {
    await client.send(aliased(1, topic));
    await subscriber.settle();
    await client.send(aliased(1));
    expect(await subscriber.settle()).toMatchObject([{ topic }]);
    await client.send(aliased(2));
    expect(await subscriber.settle()).toMatchObject([{ topic: longTopic(2, 'x') }]);
  }
});
