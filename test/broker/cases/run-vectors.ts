import { describe, expect, it } from 'vitest';
import { connackReturnCode } from '../../../lib/mqtt/index.ts';
import { isTopicError, parseFilter } from '../../../lib/topics/index.ts';
import { readVectors, type Vector } from '../../mqtt/vectors.ts';
import type { Got } from '../../support/raw-client.ts';
import type { Suite } from '../suite.ts';
import { expectNoted, notedSince } from './noted.ts';

const reason = { properties: { reasonString: expect.any(String) } };

export interface TransportTraits {
  /** Leaves out vectors that a transport cannot carry. Default: none. */
  readonly isSendable?: (vector: Vector) => boolean;
  /** Whether it answers what does not begin as CONNECT, before it closes. Default: true. */
  readonly answersStrangers?: boolean;
}

/** Tests that the bytes of each vector are answered as it says. */
export function testVectors(
  suite: Suite,
  { isSendable = () => true, answersStrangers = true }: TransportTraits = {},
): void {
  describe.each(readVectors())('$file', ({ cases: all }) => {
    const cases = all.filter(isSendable);
    const refused = cases.filter(({ expect: { error } }) => error !== undefined);
    const first = refused.filter(({ version }) => version === null);
    const later = refused.filter(({ version }) => version !== null);
    // The wire profile has no empty frames.
    const accepted = cases.filter(
      ({ expect: { error }, version, hex }) => error === undefined && version !== null && hex !== '',
    );

    for (const vector of first) {
      it(`${vector.name}: refused as first packet [MQTT-4.13.1-1 v5, MQTT-4.8.0-1 v3]`, async () => {
        const client = await suite.open({ version: vector.expect.protocolVersion ?? 4 });
        const before = new Map(suite.service.refusals);
        const { replies, pushes, closed } = await client.exchange(vector.hex);
        expect([...notedSince(suite.service, before).values()], 'noted once').toEqual([1]);
        expect(closed).toEqual({ code: 1000, reason: '' });
        expect(replies).toEqual([]);
        if (!answersStrangers && pushes.length === 0) return;
        // The CONNECT before the error has no token, which is answered first.
        if (vector.expect.packets.length === 0) expect(pushes).toEqual(refusalOf(vector));
        else expect(pushes).toMatchObject([{ cmd: 'connack' }]);
      });
    }

    for (const vector of later) {
      it(`${vector.name}: ends a connection of version ${vector.version} [MQTT-3.14.4-1 v5, MQTT-3.14.4-2 v5, MQTT-4.13.1-1 v5, MQTT-4.8.0-1 v3]`, async () => {
        const client = await suite.connect({ protocolVersion: vector.version ?? 5 });
        const before = new Map(suite.service.refusals);
        const { replies, pushes, closed } = await client.exchange(vector.hex);
        const noted = notedSince(suite.service, before);
        expectNoted(noted, [...replies, ...pushes], vector.version ?? 5, 0);
        expect(noted.size, 'the end is noted').toBeGreaterThan(0);
        expect(closed).toEqual({ code: 1000, reason: '' });
        expect(replies).toEqual([]);
        const last = pushes.at(-1);
        if (vector.version === 5)
          expect(last).toEqual({ cmd: 'disconnect', reasonCode: vector.expect.error?.reasonCode, ...reason });
        else expect(pushes.filter(({ cmd }) => cmd === 'disconnect')).toEqual([]);
        expect(await suite.session(client.clientId)).toBeUndefined();
      });
    }

    if (accepted.length === 0) return;
    it('well-formed packets are never refused as malformed', async () => {
      for (const vector of accepted) {
        const client = await suite.connect({ protocolVersion: vector.version ?? 5 });
        const { pushes, closed } = await client.exchange(vector.hex);
        expect(pushes, vector.name).not.toContainEqual(expect.objectContaining({ reasonCode: 0x81 }));
        // Before 5.0 the client's DISCONNECT and an ill-formed filter end a connection; the vectors
        // do not judge topics.
        const commands = vector.expect.packets.map(({ cmd }) => cmd);
        if (vector.version !== 5 && !commands.includes('publish'))
          expect(closed !== undefined, vector.name).toBe(
            commands.includes('disconnect') || vector.expect.packets.some(hasIllFormedFilter),
          );
      }
    });
  });
}

function hasIllFormedFilter(packet: Vector['expect']['packets'][number]): boolean {
  const { subscriptions = [] } = packet as { readonly subscriptions?: readonly { topic: string }[] };
  return subscriptions.some(({ topic }) => isTopicError(parseFilter(topic)));
}

function refusalOf({ expect: { error, protocolVersion } }: Vector): Got[] {
  const reasonCode = error?.reasonCode ?? 0;
  if (protocolVersion === null || protocolVersion === undefined) return [];
  if (protocolVersion === 5) return [{ cmd: 'connack', reasonCode, ...reason }];
  const returnCode = connackReturnCode(reasonCode);
  return returnCode === undefined ? [] : [{ cmd: 'connack', returnCode }];
}
