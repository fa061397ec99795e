import { afterEach, describe, expect, test } from 'vitest';
import type { Packet } from '../../lib/mqtt/types.ts';
import { connectPacket, type Metered, startMetered } from '../bench/metered.ts';
import { openRaw } from '../support/raw-client.ts';
import { subscribe } from './packets.ts';

let metered: Metered | undefined;
afterEach(async () => {
  await metered?.close();
  metered = undefined;
});

const filters = (count: number) => Array.from({ length: count }, (_, index) => `f${index}`);
const unsubscribe = (messageId: number, count: number): Packet => ({
  cmd: 'unsubscribe',
  messageId,
  unsubscriptions: filters(count),
});
const auth: Packet = { cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'wisp-jwt' } };

describe('a frame that asks for too much is not handled at all', () => {
  test.each([
    ['filters of SUBSCRIBE and UNSUBSCRIBE together', [subscribe(1, ...filters(501)), unsubscribe(2, 500)]],
    ['packets', Array.from({ length: 2_001 }, (): Packet => ({ cmd: 'pingreq' }))],
    ['AUTH packets', [auth, auth]],
  ])('%s', async (_, packets) => {
    metered = await startMetered();
    const mint = await metered.service.tenant('acme');
    for (const protocolVersion of [5, 4] as const) {
      if (protocolVersion === 4 && packets.includes(auth)) continue;
      const client = await metered.connect(mint, `client-${protocolVersion}`, { protocolVersion });
      const cost = await metered.measure(async () => {
        const { replies, pushes, closed } = await client.exchange(...packets);
        expect(replies).toEqual([]);
        expect(pushes).toMatchObject(protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode: 0x97 }] : []);
        expect(closed).toBeDefined();
      });
      // The end of a connection and its session, without any filter.
      expect(cost.writeUnits).toBeLessThanOrEqual(5);
    }
  });

  test('behind CONNECT in its frame', async () => {
    metered = await startMetered();
    const mint = await metered.service.tenant('acme');
    const client = await openRaw(metered.service.url);
    const connect = await connectPacket(mint, 'client');
    const { pushes } = await client.exchange(connect, subscribe(1, ...filters(1_001)));
    expect(pushes).toMatchObject([{ cmd: 'connack', reasonCode: 0x97 }]);
  });
});
