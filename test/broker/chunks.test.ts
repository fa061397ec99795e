import { afterEach, describe, expect, test } from 'vitest';
import { encodePacket } from '../../lib/mqtt/index.ts';
import { encodeChunks } from '../../lib/wire/index.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import { publish, subscribe } from './packets.ts';

let metered: Metered | undefined;
afterEach(async () => {
  await metered?.close();
  metered = undefined;
});

/** The chunks of a PUBLISH with a payload of `bytes`. */
function chunksOf(id: string, bytes: number): string[] {
  return encodeChunks(id, encodePacket(publish('big', Buffer.alloc(bytes)), 5));
}

async function start(quotas?: Readonly<Record<string, number>>) {
  metered = await startMetered();
  const mint = await metered.service.tenant('acme', quotas && { quotas });
  return { metered, mint };
}

const refused = (reasonCode: number) => [{ cmd: 'disconnect', reasonCode }];

describe('what chunks cost at most', () => {
  test('the last chunk sent again publishes nothing and ends the connection', async () => {
    const { metered, mint } = await start();
    const subscriber = await metered.connect(mint, 'subscriber');
    await subscriber.send(subscribe(1, 'big'));
    const client = await metered.connect(mint, 'attacker');
    const texts = chunksOf('y', 96_000);
    for (const text of texts) await client.exchangeText(text);
    expect(await subscriber.take(1)).toMatchObject([{ cmd: 'publish', topic: 'big' }]);
    const cost = await metered.measure(async () => {
      const { pushes, closed } = await client.exchangeText(texts.at(-1) ?? '');
      expect(pushes).toMatchObject(refused(0x81));
      expect(closed).toBeDefined();
    });
    expect(cost.storeCalls.filter(({ operation }) => operation === 'PutItem')).toEqual([]);
    expect(await subscriber.settle()).toEqual([]);
  });

  test('a packet of four chunks writes three of them, and two units in the row of the connection', async () => {
    const { metered, mint } = await start();
    const client = await metered.connect(mint, 'client');
    const texts = chunksOf('a', 90_000);
    const { writeUnits } = await metered.measure(async () => {
      for (const text of texts) await client.exchangeText(text);
    });
    expect(writeUnits).toBeLessThanOrEqual(3 * 24 + 2);
  });

  test('sixteen packets may be unfinished, in a bounded number of rows', async () => {
    const { metered, mint } = await start();
    const client = await metered.connect(mint, 'attacker');
    for (let id = 0; id < 16; id++) {
      const { closed } = await client.exchangeText(chunksOf(`${id}`, 90_000)[0] ?? '');
      expect(closed).toBeUndefined();
    }
    const cost = await metered.measure(async () => {
      const { pushes, closed } = await client.exchangeText(chunksOf('x', 90_000)[0] ?? '');
      expect(pushes).toMatchObject(refused(0x81));
      expect(closed).toBeDefined();
    });
    expect(cost.storeCalls.filter(({ operation }) => operation === 'PutItem')).toEqual([]);
  });

  test.each([
    ['its first chunk tells its size', 0, 90_000],
    ['a later chunk lies beyond the size', 4, 110_000],
  ])("a packet beyond the tenant's packet size stores nothing: %s", async (_, index, bytes) => {
    const { metered, mint } = await start({ packetBytes: 50_000 });
    const client = await metered.connect(mint, 'attacker');
    const cost = await metered.measure(async () => {
      const { pushes } = await client.exchangeText(chunksOf('a', bytes)[index] ?? '');
      expect(pushes).toMatchObject(refused(0x95));
    });
    expect(cost.storeCalls.filter(({ operation }) => operation === 'PutItem')).toEqual([]);
  });

  test('bytes count against the rate when their chunk comes, and once', async () => {
    const { metered, mint } = await start({ publishBytesPerSecondPerClient: 10_000 });
    const client = await metered.connect(mint, 'client');
    // A burst of ten seconds, 100,000 bytes, admits a packet of 96,000 and then no further chunk.
    for (const text of chunksOf('a', 96_000)) {
      const { closed } = await client.exchangeText(text);
      expect(closed).toBeUndefined();
    }
    const { pushes, closed } = await client.exchangeText(chunksOf('b', 96_000)[0] ?? '');
    expect(pushes).toMatchObject(refused(0x96));
    expect(closed).toBeDefined();
  });
});
