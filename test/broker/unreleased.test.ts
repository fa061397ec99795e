import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Packet } from '../../lib/mqtt/types.ts';
import { type Metered, startMetered } from '../bench/metered.ts';
import type { RawClient } from '../support/raw-client.ts';
import type { Mint } from '../support/service.ts';
import { publish } from './packets.ts';

let metered: Metered;
let mint: Mint;
beforeEach(async () => {
  metered = await startMetered();
  mint = await metered.service.tenant('acme');
});
afterEach(() => metered.close());

const messages = (from: number, count: number): Packet[] =>
  Array.from({ length: count }, (_, index) => publish('a', '', { qos: 2, messageId: from + index }));

/** Publishes at QoS 2 without PUBREL until the connection ends. @returns the number of PUBRECs. */
async function publishUntilClosed(client: RawClient, from: number, perFrame: number): Promise<number> {
  let received = 0;
  for (let id = from; id < from + 3_000; id += perFrame) {
    const { replies, pushes, closed } = await client.exchange(...messages(id, perFrame));
    received += [...replies, ...pushes].filter(({ cmd }) => cmd === 'pubrec').length;
    if (closed !== undefined) return received;
  }
  return received;
}

test.each([5, 4] as const)('1,000 QoS 2 messages without PUBREL, version %i', async (version) => {
  const changes = { protocolVersion: version, clean: false } as const;
  const client = await metered.connect(mint, 'client', changes);
  expect(await publishUntilClosed(client, 1, 130)).toBe(1_000);
  // Another connection of the session has no more room.
  const again = await metered.connect(mint, 'client', changes);
  if (version < 5) expect(await publishUntilClosed(again, 20_000, 1)).toBe(0);
});

test('before 5.0, a client that sends PUBREL pays for no count of its messages', async () => {
  const client = await metered.connect(mint, 'client', { protocolVersion: 4 });
  const queries = await metered.measure(async () => {
    for (let id = 1; id <= 120; id += 1) {
      await client.send(...messages(id, 1));
      await client.send({ cmd: 'pubrel', messageId: id });
    }
  });
  const counts = queries.storeCalls.filter(({ operation }) => operation === 'Query');
  expect(counts).toHaveLength(0);
});
