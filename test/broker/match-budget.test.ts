import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Packet } from '../../lib/mqtt/types.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { Mint } from '../support/service.ts';
import { publish, subscribe } from './packets.ts';

let metered: Metered;
let mint: Mint;
beforeEach(async () => {
  metered = await startMetered();
  mint = await metered.service.tenant('acme', { quotas: { shapesPerClient: 64 } });
});
afterEach(() => metered.close());

/** Gives the tenant 64 shapes that all fit topics of six levels; half of them tell topics apart. */
async function subscribeToAllShapes(): Promise<void> {
  const client = await metered.connect(mint, 'subscriber');
  const filters = Array.from({ length: 64 }, (_, bits) =>
    Array.from({ length: 6 }, (__, level) => ((bits >> level) & 1 ? 'x' : '+')).join('/'),
  );
  const [suback] = await client.send(subscribe(1, ...filters));
  expect(new Set(suback?.granted as number[])).toEqual(new Set([0]));
}

const burst = (count: number, qos: 0 | 1): Packet[] =>
  Array.from({ length: count }, (_, index) =>
    publish(`a/b/c/d/e/${index}`, '', qos === 0 ? {} : { qos, messageId: index + 1 }),
  );

/** Took 16,091 read units in one frame. */
test.each([5, 4] as const)('500 topics and 64 shapes, version %i', async (protocolVersion) => {
  await subscribeToAllShapes();
  const client = await metered.connect(mint, 'publisher', { protocolVersion });
  const cost = await metered.measure(async () => {
    const { replies, pushes, closed } = await client.exchange(...burst(500, 1));
    const answers = [...replies, ...pushes];
    const accepted = answers.filter(({ reasonCode }) => reasonCode !== 0x97);
    // 32 filters for each topic, and 32 for all of them together.
    expect(accepted).toHaveLength((4_096 - 32) / 32);
    if (protocolVersion === 5) expect(answers).toHaveLength(500);
    else expect(closed).toBeDefined();
  });
  expect(cost.readUnits).toBeLessThanOrEqual(4_096 + 200);

  // What was refused passes in a frame of its own.
  const again = await metered.connect(mint, 'publisher', { protocolVersion });
  expect(await again.send(...burst(100, 1))).toHaveLength(100);
});

test('at QoS 0 the connection ends; runs of one frame share the budget', async () => {
  await subscribeToAllShapes();
  const client = await metered.connect(mint, 'publisher');
  const pingreq: Packet = { cmd: 'pingreq' };
  const cost = await metered.measure(async () => {
    const frame = burst(500, 0).flatMap((packet) => [packet, pingreq]);
    const { pushes, closed } = await client.exchange(...frame);
    expect(pushes.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x97 });
    expect(closed).toBeDefined();
  });
  expect(cost.readUnits).toBeLessThanOrEqual(4_096 / 2 + 200);
});

test('an honest burst passes: 500 topics and eight shapes', async () => {
  const subscriber = await metered.connect(mint, 'subscriber');
  const filters = ['#', 'a/#', '+/b/#', 'a/b/#', 'a/b/+/d/#', 'a/b/c/d/e/+', '+/b/c/d/e/1', 'a/b/c/d/e/1'];
  await subscriber.send(subscribe(1, ...filters));
  const client = await metered.connect(mint, 'publisher');
  const replies = await client.send(...burst(500, 1));
  expect(replies.every(({ reasonCode }) => reasonCode === undefined || reasonCode === 0)).toBe(true);
});
