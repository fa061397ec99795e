import { describe, expect, it } from 'vitest';
import type { Suite } from '../suite.ts';
import { type ExchangeCase, exchangeCases } from './exchanges.ts';
import { expectNoted, notedSince } from './noted.ts';

/** Tests that each exchange is answered as its case says, on any transport. */
export function testExchanges(suite: Suite): void {
  describe.each(Object.entries(exchangeCases))('%s', (_, cases) => {
    for (const one of cases)
      for (const protocolVersion of one.versions)
        it(`${one.name}, version ${protocolVersion}`, async () => {
          const client = await suite.connect({ ...one.connect, protocolVersion });
          const before = new Map(suite.service.refusals);
          const { replies, pushes, closed } = await client.exchange(...one.send);
          const noted = notedSince(suite.service, before);
          expect(replies).toEqual(one.replies ?? []);
          expect(pushes).toEqual([...(one.pushes ?? []), ...lastWord(one, protocolVersion)]);
          expectNoted(noted, [...replies, ...pushes], protocolVersion, one.untold ?? 0);
          if (typeof one.ends === 'number') expect(noted.size, 'the end is noted').toBeGreaterThan(0);
          if (one.ends === undefined) {
            expect(closed).toBeUndefined();
            expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
          } else {
            expect(closed).toEqual({ code: 1000, reason: '' });
            expect((await suite.session(client.clientId))?.address).toBeUndefined();
          }
        });
  });
}

function lastWord({ ends }: ExchangeCase, version: number) {
  if (version < 5 || ends === undefined || ends === 'silently') return [];
  return [{ cmd: 'disconnect', reasonCode: ends, properties: { reasonString: expect.any(String) } }];
}
