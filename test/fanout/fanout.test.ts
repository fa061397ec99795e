import { describe, expect, it } from 'vitest';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { publish, subscribe, unsubscribe } from '../broker/packets.ts';
import { type Connected, useSuite } from '../broker/suite.ts';

/** Up to four subscribers are served inline, more through the queue, in batches of three. */
const suite = useSuite({
  settings: { ...defaultSettings, inlineAudience: 4, sliceBatchClients: 3, tenantSettleSeconds: 1 },
});

const kept = { clean: false, properties: { sessionExpiryInterval: 3_600 } };

async function crowd(count: number, filter: string, qos: 0 | 1 | 2): Promise<Connected[]> {
  const clients: Connected[] = [];
  for (let index = 0; index < count; index += 1) {
    const client = await suite.connect();
    await client.send(subscribe(1, { topic: filter, qos }));
    clients.push(client);
  }
  return clients;
}

/** The messages of each client once the queue is empty. */
async function everyInbox(clients: readonly Connected[]): Promise<unknown[][]> {
  await suite.service.queues.idle();
  return Promise.all(clients.map(async (client) => [...(await client.settle())]));
}

const isQueued = async (topic: string) =>
  (await suite.service.stores.subscriptions.queuedUntilMs(vouchedTenantId(suite.mint.tenant), topic)) !==
  undefined;

describe('a large audience', () => {
  it.each([0, 1, 2] as const)('gets each message once and in order at QoS %i', async (qos) => {
    const topic = `news/${qos}`;
    const clients = await crowd(11, `news/${qos === 1 ? '+' : qos}`, qos);
    const publisher = await suite.connect();
    for (const number of [1, 2, 3]) {
      const { replies } = await publisher.exchange(
        publish(topic, suite.text(`${number}`), qos === 0 ? {} : { qos, messageId: number }),
      );
      const cmd = [undefined, 'puback', 'pubrec'][qos];
      expect(replies).toMatchObject(cmd === undefined ? [] : [{ cmd, messageId: number }]);
    }
    expect(await isQueued(topic)).toBe(true);
    for (const got of await everyInbox(clients))
      expect(got).toMatchObject([1, 2, 3].map((number) => ({ topic, payload: suite.text(`${number}`) })));
  });

  it('gets a burst in one post for each client', async () => {
    const clients = await crowd(6, 'burst', 1);
    const publisher = await suite.connect();
    const packets = Array.from({ length: 10 }, (_, index) =>
      publish('burst', suite.text(`${index}`), { qos: 1, messageId: index + 1 }),
    );
    await publisher.send(...packets);
    await suite.service.queues.idle();
    for (const client of clients) {
      const before = client.texts.length;
      expect(await client.settle()).toHaveLength(10);
      // All but the replies.
      expect(client.texts.slice(0, before).filter((text) => !text.startsWith('.'))).toHaveLength(1);
    }
  });

  it('has overlapping subscriptions merged, options observed, and its shares served once', async () => {
    const clients = await crowd(5, 'mix/+', 0);
    const [first] = clients;
    await first?.send(subscribe(2, { topic: 'mix/#', qos: 1 }, { identifier: 7 }));
    const own = await suite.connect();
    await own.send(subscribe(1, { topic: 'mix/+', qos: 1, nl: true }, { topic: 'mix/x', qos: 0, rap: true }));
    const members = await Promise.all([1, 2, 3].map(() => suite.connect()));
    for (const member of members) await member.send(subscribe(1, { topic: '$share/g/mix/x', qos: 1 }));

    await own.send(publish('mix/x', suite.text('x'), { qos: 1, messageId: 1, retain: true }));
    const [merged, ...others] = await everyInbox([...clients, own]);
    expect(merged).toMatchObject([{ qos: 1, properties: { subscriptionIdentifier: 7 } }]);
    for (const got of others) expect(got).toHaveLength(1);
    // The filter without No Local has QoS 0 and Retain As Published.
    expect(others.at(-1)).toMatchObject([{ retain: true }]);
    expect((await everyInbox(members)).flat()).toHaveLength(1);
  });

  it('includes those who are away: they get it when they come back, from one copy', async () => {
    const away = await Promise.all([1, 2, 3, 4, 5].map(() => suite.connect(kept)));
    for (const client of away) await client.send(subscribe(1, { topic: 'away', qos: 1 }));
    for (const client of away) await suite.cut(client);
    const large = suite.text('x'.repeat(30_000));
    const publisher = await suite.connect();
    await publisher.send(
      publish('away', large, { qos: 1, messageId: 1, properties: { contentType: 'a/b' } }),
    );
    await suite.service.queues.idle();
    const [some] = away;
    const session = await suite.session(some?.clientId ?? '');
    if (session === undefined) throw new Error('no session');
    const { entries } = await suite.service.stores.queue.list(session, session.sequence, 10);
    expect(entries).toMatchObject([{ byReference: true, message: { topic: 'away' } }]);
    for (const { clientId } of away) {
      const back = await suite.connect({ clientId, ...kept });
      expect([...back.waited, ...(await back.settle())]).toMatchObject([
        { topic: 'away', payload: large, properties: { contentType: 'a/b' } },
      ]);
      await back.send({ cmd: 'puback', messageId: 1 });
    }
  });

  it('gets a message of many chunks', async () => {
    const clients = await crowd(5, 'large', 0);
    const payload = suite.text('y'.repeat(100_000));
    await (await suite.connect()).send(publish('large', payload));
    for (const got of await everyInbox(clients)) expect(got).toMatchObject([{ payload }]);
  });

  it('is served though some of it are gone without a word, and these are cleaned up', async () => {
    const clients = await crowd(9, 'gone', 1);
    const lost = clients.slice(0, 4);
    for (const client of lost) await suite.cut(client, 'silently');
    const publisher = await suite.connect();
    await publisher.send(publish('gone', suite.text('x'), { qos: 1, messageId: 1 }));
    for (const got of await everyInbox(clients.slice(4))) expect(got).toHaveLength(1);
    for (const { clientId } of lost) expect(await suite.session(clientId)).toBeUndefined();
  });

  it('that becomes small is still served in order, until the queue may be forgotten', async () => {
    const clients = await crowd(5, 'shrinks', 1);
    const publisher = await suite.connect();
    await publisher.send(publish('shrinks', suite.text('1'), { qos: 1, messageId: 1 }));
    for (const client of clients.slice(1)) await client.send(unsubscribe(2, 'shrinks'));
    await publisher.send(publish('shrinks', suite.text('2'), { qos: 1, messageId: 2 }));
    const [got] = await everyInbox(clients);
    expect(got).toMatchObject([{ payload: suite.text('1') }, { payload: suite.text('2') }]);
  });
});

describe('what else publishes', () => {
  it('HTTP and Wills reach a large audience too', async () => {
    const clients = await crowd(6, 'other', 1);
    const posted = await fetch(`${suite.service.publishUrl}/other?qos=1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await suite.mint()}` },
      body: suite.text('over HTTP'),
    });
    expect(posted.status).toBe(200);
    const dying = await suite.connect({
      will: { topic: 'other', payload: Buffer.from(suite.text('will')), qos: 1, retain: false },
    });
    await suite.cut(dying);
    await suite.released(...clients);
    for (const got of await everyInbox(clients))
      expect(got).toMatchObject([{ payload: suite.text('over HTTP') }, { payload: suite.text('will') }]);
  });
});
