import { describe, expect, it } from 'vitest';
import { maxPacketIdentifier } from '../../lib/core/session-rules.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { Got } from '../support/raw-client.ts';
import { publish, subscribe } from './packets.ts';
import { type Connected, type ConnectFields, useSuite } from './suite.ts';

/**
 * Deliveries at QoS 1 and 2 that are interrupted (sections 4.3, 4.4, 4.8.2 and 4.9 of MQTT 5.0).
 */
const suite = useSuite();

let sessions = 0;
function kept(fields: ConnectFields = {}): ConnectFields {
  sessions += 1;
  const { properties, ...others } = fields;
  return {
    clientId: `delivered-${sessions}`,
    clean: false,
    properties: { sessionExpiryInterval: 3_600, ...properties },
    ...others,
  };
}

async function arrived(client: Connected): Promise<Got[]> {
  return [...client.waited, ...(await client.settle())];
}

const identifierOf = (got: Got | undefined): number => Number(got?.messageId);

describe('a message to a client', () => {
  it.each([1, 2] as const)(
    'at QoS %i does not expire once it has been sent [MQTT-4.3.3-7 v5, MQTT-4.4.0-1 v5, MQTT-3.3.1-1 v5, MQTT-4.3.2-3 v5, MQTT-4.3.3-3 v5]',
    async (qos) => {
      const fields = kept();
      const first = await suite.connect(fields);
      await first.send(subscribe(1, { topic: 'expiring', qos }));
      const from = await suite.connect();
      const send = (payload: string) =>
        from.send(
          publish('expiring', payload, { qos, messageId: 1, properties: { messageExpiryInterval: 50 } }),
          ...(qos === 2 ? [{ cmd: 'pubrel', messageId: 1 } as const] : []),
        );
      await send('sent');
      const [sent] = await first.settle();
      expect(sent).toMatchObject({ payload: 'sent', qos });
      await suite.cut(first);
      await send('unsent');
      await suite.advance(100);
      const back = await suite.connect(fields);
      expect(await arrived(back)).toMatchObject([
        { payload: 'sent', qos, dup: true, messageId: sent?.messageId },
      ]);
    },
  );

  it.each([1, 2] as const)(
    'at QoS %i that the client refuses is not sent again, and its identifier is free [MQTT-4.4.0-2 v5]',
    async (qos) => {
      const fields = kept({ properties: { receiveMaximum: 1 } });
      const first = await suite.connect(fields);
      await first.send(subscribe(1, { topic: 'refused', qos }));
      const from = await suite.connect();
      const send = (payload: string, messageId: number) =>
        from.send(publish('refused', payload, { qos, messageId }));
      await send('one', 1);
      const [one] = await first.settle();
      const refusal = { cmd: qos === 1 ? 'puback' : 'pubrec', messageId: identifierOf(one) } as const;
      expect(await first.send({ ...refusal, reasonCode: 0x83 })).toEqual([]);
      await suite.cut(first);
      const back = await suite.connect(fields);
      expect(await arrived(back)).toEqual([]);
      // It does not use the window either.
      await send('two', 2);
      expect(await back.settle()).toMatchObject([{ payload: 'two' }]);
    },
  );

  it.each([1, 2] as const)(
    'at QoS %i never gets an identifier that is in use, after the identifiers have wrapped around [MQTT-2.2.1-4 v5, MQTT-4.3.2-1 v5, MQTT-4.3.3-1 v5]',
    async (qos) => {
      const client = await suite.connect();
      await client.send(subscribe(1, { topic: 'circle', qos }));
      const from = await suite.connect();
      const next = async (messageId: number): Promise<number> => {
        await from.send(publish('circle', 'x', { qos, messageId }));
        return identifierOf((await client.settle())[0]);
      };
      const used = await next(1);
      const session = await suite.session(client.clientId);
      if (session === undefined) throw new Error('The client has no session');
      const key = { tenant: vouchedTenantId(suite.mint.tenant), clientId: client.clientId };
      // Simulates enough acknowledged messages for the next one to get the same identifier.
      const { queue, sessions } = suite.service.stores;
      const numbers = maxPacketIdentifier - queue.numberApart(1).numbers;
      await sessions.allocate(key, session.generation, numbers);
      const following = await next(2);
      expect(following).not.toBe(used);
      expect(following).toBeGreaterThan(0);
      expect(following).toBeLessThanOrEqual(65_535);
    },
  );

  it('waits for room in the Receive Maximum, while other packets pass [MQTT-3.3.4-10 v5, MQTT-4.9.0-2 v5, MQTT-4.9.0-3 v5]', async () => {
    const client = await suite.connect({ properties: { receiveMaximum: 1 } });
    await client.send(subscribe(1, { topic: 'full', qos: 2 }));
    const from = await suite.connect();
    await from.send(
      publish('full', 'sent', { qos: 2, messageId: 1 }),
      publish('full', 'waits', { qos: 1, messageId: 2 }),
    );
    const [sent] = await client.settle();
    expect(sent).toMatchObject({ payload: 'sent' });
    const { replies, pushes } = await client.exchange(
      { cmd: 'pingreq' },
      subscribe(2, 'other'),
      { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['nothing'] },
      publish('other', 'at QoS 0'),
      publish('other', '', { qos: 1, messageId: 4 }),
      publish('other', '', { qos: 2, messageId: 5 }),
      { cmd: 'pubrel', messageId: 5 },
      { cmd: 'pubrec', messageId: identifierOf(sent) },
    );
    expect(replies.map(({ cmd, messageId }) => [cmd, messageId])).toEqual([
      ['pingresp', undefined],
      ['suback', 2],
      ['unsuback', 3],
      ['puback', 4],
      ['pubrec', 5],
      ['pubcomp', 5],
      ['pubrel', sent?.messageId],
    ]);
    expect(pushes.map(({ payload }) => payload)).toEqual(['at QoS 0', '', '']);
    const after = await client.exchange({ cmd: 'pubcomp', messageId: identifierOf(sent) });
    expect(after.pushes).toMatchObject([{ payload: 'waits', qos: 1 }]);
  });
});

describe('a message from a client', () => {
  it('at QoS 2 completes its acknowledgements although it has expired [MQTT-4.3.3-13 v5]', async () => {
    const fields = kept();
    const first = await suite.connect(fields);
    const to = await suite.connect();
    await to.send(subscribe(1, { topic: 'late', qos: 2 }));
    const packet = publish('late', 'x', {
      qos: 2,
      messageId: 5,
      properties: { messageExpiryInterval: 1 },
    });
    expect(await first.send(packet)).toEqual([{ cmd: 'pubrec', messageId: 5, reasonCode: 0 }]);
    const [delivered] = await to.settle();
    expect(delivered).toMatchObject({ payload: 'x', qos: 2 });
    await to.send({ cmd: 'pubrec', messageId: identifierOf(delivered) });
    await suite.cut(first);
    await suite.advance(100);
    const back = await suite.connect(fields);
    expect(await back.send({ ...packet, dup: true })).toMatchObject([{ cmd: 'pubrec', messageId: 5 }]);
    expect(await back.send({ cmd: 'pubrel', messageId: 5 })).toMatchObject([
      { cmd: 'pubcomp', messageId: 5 },
    ]);
    expect(await to.settle()).toEqual([]);
  });
});

describe('a message for a shared subscription', () => {
  /** A disconnected member that holds the message, and another member. */
  async function heldByOne() {
    const topic = `share-${sessions}`;
    const filter = { topic: `$share/g/${topic}`, qos: 2 } as const;
    const fields = kept();
    const holder = await suite.connect(fields);
    await holder.send(subscribe(1, filter));
    const from = await suite.connect();
    await from.send(publish(topic, 'x', { qos: 2, messageId: 1 }), { cmd: 'pubrel', messageId: 1 });
    const [held] = await holder.settle();
    expect(held).toMatchObject({ payload: 'x', qos: 2 });
    const other = await suite.connect();
    await other.send(subscribe(1, filter));
    return { fields, holder, other, messageId: identifierOf(held) };
  }

  it('is completed with the member that it was sent to, at QoS 2 [MQTT-4.8.2-4 v5]', async () => {
    const { fields, holder, other, messageId } = await heldByOne();
    await suite.cut(holder);
    expect(await other.settle()).toEqual([]);
    const back = await suite.connect(fields);
    expect(await arrived(back)).toMatchObject([{ payload: 'x', qos: 2, dup: true, messageId }]);
    await back.send({ cmd: 'pubrec', messageId });
    await back.send({ cmd: 'pubcomp', messageId });
    expect(await other.settle()).toEqual([]);
  });

  it('goes to no other member where the session of that member ends, at QoS 2 [MQTT-4.8.2-5 v5]', async () => {
    const { fields, holder, other } = await heldByOne();
    await suite.cut(holder);
    const returned = await suite.connect({ ...fields, clean: true });
    expect(await arrived(returned)).toEqual([]);
    expect(await other.settle()).toEqual([]);
  });

  it('goes to no other member where that member refuses it [MQTT-4.8.2-6 v5]', async () => {
    const { holder, other, messageId } = await heldByOne();
    await holder.send({ cmd: 'pubrec', messageId, reasonCode: 0x83 });
    expect(await holder.settle()).toEqual([]);
    expect(await other.settle()).toEqual([]);
  });

  it('arrives in addition to the copy of an ordinary subscription, each with its own identifier [MQTT-3.3.4-5 v5]', async () => {
    const client = await suite.connect();
    await client.send(
      subscribe(1, { topic: '$share/g/copies', qos: 1 }, { identifier: 5 }),
      subscribe(2, { topic: 'copies', qos: 0 }, { identifier: 6 }),
    );
    const { pushes } = await client.exchange(publish('copies', 'x', { qos: 1, messageId: 1 }));
    expect(
      pushes.map(({ qos, properties }) => [
        qos ?? 0,
        (properties as { subscriptionIdentifier?: unknown }).subscriptionIdentifier,
      ]),
    ).toEqual(
      expect.arrayContaining([
        [1, 5],
        [0, 6],
      ]),
    );
    expect(pushes).toHaveLength(2);
  });
});

describe('a refused CONNECT', () => {
  it('has Session Present 0 although there is a session [MQTT-3.2.2-6 v5]', async () => {
    const fields = kept();
    const first = await suite.connect(fields);
    await first.exchange({ cmd: 'disconnect', reasonCode: 0 });
    const client = await suite.open();
    const { pushes } = await client.exchange(
      await suite.connectPacket({
        ...fields,
        will: { topic: '#', payload: Buffer.alloc(0), qos: 0, retain: false },
      }),
    );
    expect(pushes).toMatchObject([{ cmd: 'connack', reasonCode: 0x90 }]);
    expect(pushes[0]?.sessionPresent).toBeUndefined();
    expect((await suite.connect(fields)).connack.sessionPresent).toBe(true);
  });

  it('gets a CONNACK within the Maximum Packet Size of the client [MQTT-3.2.2-19 v5, MQTT-3.1.2-24 v5]', async () => {
    for (const [maximumPacketSize, expected] of [
      [20, [{ cmd: 'connack', reasonCode: 0x86 }]],
      [4, []],
    ] as const) {
      const client = await suite.open();
      const { pushes, closed } = await client.exchange(
        await suite.connectPacket({ token: 'swordfish', properties: { maximumPacketSize } }),
      );
      expect(pushes).toEqual(expected);
      expect(closed).toBeDefined();
    }
  });
});
