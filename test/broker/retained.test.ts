import { describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import type { Got } from '../support/raw-client.ts';
import { publish, subscribe, unsubscribe } from './packets.ts';
import { type Connected, useSuite } from './suite.ts';

const suite = useSuite();
const retain = { retain: true } as const;

/** Each test has its own topic prefix, since retained messages outlive the test. */
let prefixes = 0;
function prefix(): string {
  prefixes += 1;
  return `kept-${prefixes}`;
}

async function keep(from: Connected, ...topics: readonly string[]): Promise<void> {
  await from.send(...topics.map((topic) => publish(topic, suite.text(topic), retain)));
}

const topicsOf = (got: readonly Got[]): string[] => got.map(({ topic }) => String(topic)).sort();

describe('retained messages', () => {
  for (const protocolVersion of [3, 4, 5] as const) {
    for (const qos of [0, 1, 2] as const)
      it(`are stored, replaced and cleared at QoS ${qos}, version ${protocolVersion} [MQTT-3.3.1-5 v3+v5, MQTT-3.3.1-6 v3+v5, MQTT-3.3.1-7 v3+v5, MQTT-3.3.1-8 v3+v5, MQTT-3.3.1-9 v3, MQTT-3.3.1-10 v3, MQTT-3.3.1-11 v3]`, async () => {
        const client = await suite.connect({ protocolVersion });
        const topic = `${prefix()}/x`;
        const put = (payload: string) =>
          client.send(publish(topic, payload, { ...retain, qos, ...(qos === 0 ? {} : { messageId: 1 }) }));
        const kept = async (): Promise<readonly Got[]> =>
          (await client.exchange(subscribe(1, { topic, qos: 1 }), unsubscribe(2, topic))).pushes;
        const one = (payload: string): object => ({ topic, payload, retain: true });
        expect(await kept()).toEqual([]);
        await put(suite.text('first'));
        expect(await kept()).toMatchObject([one(suite.text('first'))]);
        await put(suite.text('second'));
        const [second] = await kept();
        expect(second).toMatchObject(one(suite.text('second')));
        expect(second?.qos ?? 0).toBe(Math.min(qos, 1));
        await client.send(publish(topic, suite.text('passing')));
        await client.settle();
        expect(await kept()).toMatchObject([one(suite.text('second'))]);
        await put('');
        expect(await kept()).toEqual([]);
      });
  }

  it('reach live subscribers without the flag, and so do clearing ones [MQTT-3.3.1-9 v3, MQTT-3.3.1-12 v5]', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect();
    await client.send(subscribe(1, topic));
    const { pushes } = await client.exchange(
      publish(topic, suite.text('x'), retain),
      publish(topic, '', retain),
    );
    expect(pushes).toEqual([
      { cmd: 'publish', topic, payload: suite.text('x') },
      { cmd: 'publish', topic, payload: '' },
    ]);
  });

  it('keep the flag for subscriptions with Retain As Published [MQTT-3.3.1-13 v5]', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect();
    await client.send(subscribe(1, { topic, qos: 0, rap: true }));
    const { pushes } = await client.exchange(
      publish(topic, suite.text('x'), retain),
      publish(topic, suite.text('y')),
    );
    expect(pushes).toEqual([
      { cmd: 'publish', topic, payload: suite.text('x'), retain: true },
      { cmd: 'publish', topic, payload: suite.text('y') },
    ]);
  });

  it('are sent according to Retain Handling [MQTT-3.3.1-9 v5, MQTT-3.3.1-10 v5, MQTT-3.3.1-11 v5, MQTT-3.8.4-4 v5]', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect();
    await keep(client, topic);
    const asked = async (rh: 0 | 1 | 2, filter = topic) =>
      (await client.exchange(subscribe(1, { topic: filter, qos: 0, rh }))).pushes.length;
    expect(await asked(2)).toBe(0);
    expect(await asked(1)).toBe(0);
    expect(await asked(0)).toBe(1);
    expect(await asked(0)).toBe(1);
    await client.send(unsubscribe(2, topic));
    expect(await asked(1)).toBe(1);
    expect(await asked(1)).toBe(0);
  });

  it('are sent at Retain Handling 1 where the earlier session has ended', async () => {
    const topic = `${prefix()}/x`;
    const asked = async (): Promise<number> => {
      const client = await suite.connect({ clientId: 'handled' });
      await keep(client, topic);
      const { pushes } = await client.exchange(subscribe(1, { topic, qos: 0, rh: 1 }));
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
      return pushes.length;
    };
    expect(await asked()).toBe(1);
    expect(await asked()).toBe(1);
  });

  it('match wildcards as messages do', async () => {
    const base = prefix();
    const client = await suite.connect();
    const topics = ['a', 'a/b', 'a/b/c', 'a/c', 'b/b', 'b/b/c', '', 'a/', '\u{10ffff}', 'a0'].map(
      (t) => `${base}/${t}`,
    );
    await keep(client, ...topics, base);
    const asked = async (filter: string) =>
      topicsOf((await client.exchange(subscribe(1, filter), unsubscribe(2, filter))).pushes);
    const under = (...names: string[]): string[] => names.map((name) => `${base}/${name}`).sort();
    expect(await asked(`${base}/#`)).toEqual([base, ...topics].sort());
    expect(await asked(`${base}/+`)).toEqual(under('a', '', '\u{10ffff}', 'a0'));
    expect(await asked(`${base}/a/#`)).toEqual(under('a', 'a/b', 'a/b/c', 'a/c', 'a/'));
    expect(await asked(`${base}/+/b`)).toEqual(under('a/b', 'b/b'));
    expect(await asked(`${base}/+/b/#`)).toEqual(under('a/b', 'a/b/c', 'b/b', 'b/b/c'));
    expect(await asked(`+/a/+`)).toEqual(under('a/b', 'a/c', 'a/'));
    expect(await asked(`${base}/nothing/#`)).toEqual([]);
  });

  it('arrive in any number, each once', async () => {
    const base = prefix();
    const client = await suite.connect();
    const topics = Array.from({ length: 250 }, (_, index) => `${base}/${index % 9}/${index}`);
    for (let at = 0; at < topics.length; at += 50) await keep(client, ...topics.slice(at, at + 50));
    await client.send(subscribe(1, `${base}/+/+`));
    expect(topicsOf(await client.take(250))).toEqual([...topics].sort());
    const window = await suite.connect({ properties: { receiveMaximum: 10 } });
    await window.send(subscribe(1, { topic: `${base}/3/#`, qos: 1 }));
    expect(await window.take(28)).toHaveLength(28);
  });

  it('have the identifier of the subscription, and a QoS not above its own', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect();
    await client.send(publish(topic, suite.text('x'), { ...retain, qos: 2, messageId: 1 }));
    const { pushes } = await client.exchange(subscribe(1, { topic, qos: 1 }, { identifier: 7 }));
    expect(pushes).toEqual([
      {
        cmd: 'publish',
        topic,
        payload: suite.text('x'),
        qos: 1,
        retain: true,
        messageId: expect.any(Number),
        properties: { subscriptionIdentifier: 7 },
      },
    ]);
  });

  it('are not sent to shared subscriptions', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect();
    await keep(client, topic);
    const { pushes } = await client.exchange(subscribe(1, `$share/g/${topic}`));
    expect(pushes).toEqual([]);
  });

  it('of a client without permission are not stored', async () => {
    const topic = `${prefix()}/x`;
    const client = await suite.connect({ claims: { mqtt: { publish: ['other'], subscribe: ['#'] } } });
    await keep(client, topic);
    await client.send(publish(topic, suite.text('x'), { ...retain, qos: 1, messageId: 1 }));
    expect((await client.exchange(subscribe(1, topic))).pushes).toEqual([]);
  });

  it('of the server are not matched by leading wildcards [MQTT-4.7.2-1 v3+v5]', async () => {
    // No client may publish there: the test writes to the store.
    await suite.service.stores.retained.put(vouchedTenantId(suite.mint.tenant), {
      id: '1',
      topic: '$SYS/uptime',
      payload: Buffer.from(suite.text('up')),
      qos: 0,
      retain: true,
      properties: {},
    });
    for (const protocolVersion of [4, 5] as const) {
      const client = await suite.connect({
        protocolVersion,
        claims: { mqtt: { publish: [], subscribe: ['#', '$SYS/#'] } },
      });
      const asked = async (filter: string) =>
        topicsOf((await client.exchange(subscribe(1, filter))).pushes).filter((topic) =>
          topic.startsWith('$'),
        );
      expect(await asked('#')).toEqual([]);
      expect(await asked('+/uptime')).toEqual([]);
      expect(await asked('+/#')).toEqual([]);
      expect(await asked('$SYS/+')).toEqual(['$SYS/uptime']);
      expect(await asked('$SYS/#')).toEqual(['$SYS/uptime']);
    }
  });

  it.each([3, 4, 5] as const)(
    'outlive the session of their publisher, version %i [MQTT-3.1.2-7 v3]',
    async (protocolVersion) => {
      const topic = `${prefix()}/x`;
      const from = await suite.connect({ protocolVersion });
      await keep(from, topic);
      await from.exchange({ cmd: 'disconnect' });
      const client = await suite.connect({ protocolVersion });
      expect((await client.exchange(subscribe(1, topic))).pushes).toHaveLength(1);
    },
  );

  it.each([3, 4, 5] as const)(
    'are unaffected by messages without the flag, which arrive without it, version %i [MQTT-3.3.1-8 v5, MQTT-3.3.1-9 v3, MQTT-3.3.1-10 v3, MQTT-3.3.1-12 v3]',
    async (protocolVersion) => {
      const topic = `${prefix()}/x`;
      const client = await suite.connect({ protocolVersion });
      await client.send(subscribe(1, topic));
      const live = await client.exchange(publish(topic, 'kept', retain), publish(topic, 'passing'));
      expect(live.pushes.map(({ payload, retain: flag }) => [payload, flag])).toEqual([
        ['kept', undefined],
        ['passing', undefined],
      ]);
      expect((await client.exchange(subscribe(2, topic))).pushes).toMatchObject([
        { payload: 'kept', retain: true },
      ]);
      expect((await client.exchange(publish(topic, '', retain))).pushes).toMatchObject([{ payload: '' }]);
    },
  );

  it.each([3, 4, 5] as const)(
    'are sent again where a subscription is replaced, and no message is missed, version %i [MQTT-3.8.4-3 v3, MQTT-3.8.4-4 v5]',
    async (protocolVersion) => {
      const topic = `${prefix()}/x`;
      const client = await suite.connect({ protocolVersion });
      await client.send(publish(topic, 'kept', { ...retain, qos: 1, messageId: 1 }));
      for (const qos of [0, 1] as const) {
        const { pushes } = await client.exchange(
          subscribe(1, { topic, qos }),
          publish(topic, 'live', { qos: 1, messageId: 2 }),
        );
        expect(pushes.map((one) => [one.payload, one.qos ?? 0])).toEqual([
          ['kept', qos],
          ['live', qos],
        ]);
      }
    },
  );
});
