import { describe, expect, it } from 'vitest';
import type { Will } from '../../lib/mqtt/types.ts';
import type { RawClient } from '../support/raw-client.ts';
import { publish, subscribe } from './packets.ts';
import { type ConnectFields, useSuite } from './suite.ts';

/**
 * In addition to the doubles of every suite: two active tenants with the same client ids, topics
 * and shares.
 */
const suite = useSuite();

async function pair(name: string, fields: ConnectFields = {}): Promise<[RawClient, RawClient]> {
  const other = await suite.tenant(`other-${name}`);
  const one = await suite.connect({ clientId: name, ...fields });
  const two = await suite.open();
  const packet = await suite.connectPacket({
    clientId: name,
    username: other.tenant,
    token: await other(),
    ...fields,
  });
  expect(await two.send(packet)).toMatchObject([{ cmd: 'connack', reasonCode: 0 }]);
  return [one, two];
}

describe('two tenants with the same names', () => {
  it('receive only their own messages, whatever they subscribe to', async () => {
    const clients = await pair('same');
    const filters = ['#', '+/+', 'a/b', '$share/g/#', 'other-same/#', 'acme/#', '/#'];
    for (const client of clients) await client.send(subscribe(1, ...filters));
    const [one, two] = clients;
    for (const qos of [0, 1, 2] as const)
      for (const topic of ['a/b', 'acme/x', 'other-same/x', '/', 'acme', 'other-same']) {
        const mine = await one.exchange(
          publish(topic, suite.text('one'), { qos, ...(qos === 0 ? {} : { messageId: qos }) }),
        );
        expect(mine.pushes.length, topic).toBeGreaterThan(0);
        if (qos === 2) await one.send({ cmd: 'pubrel', messageId: 2 });
      }
    expect(await two.settle()).toEqual([]);
    await two.exchange(publish('a/b', suite.text('two')));
    expect(await one.settle()).toEqual([]);
  });

  it('keep their own sessions, queues and packet identifiers', async () => {
    const fields = { clean: false, properties: { sessionExpiryInterval: 600 } };
    const [one, two] = await pair('sleeps', fields);
    for (const client of [one, two]) await client.send(subscribe(1, { topic: 'q', qos: 2 }));
    await one.close();
    await suite.released();
    await two.send(publish('q', suite.text('for two'), { qos: 2, messageId: 1 }));
    const again = await suite.connect({ clientId: 'sleeps', ...fields });
    expect(again.connack).toMatchObject({ sessionPresent: true });
    expect([...again.waited, ...(await again.settle())]).toEqual([]);
    // In this tenant the same identifier belongs to a new message.
    // A resumed session answers success; the other tenant's identifier must stay known.
    expect(await again.send({ cmd: 'pubrel', messageId: 1 })).toMatchObject([{ reasonCode: 0 }]);
    expect(await two.send({ cmd: 'pubrel', messageId: 1 })).toMatchObject([{ reasonCode: 0 }]);
    expect(await again.send({ cmd: 'puback', messageId: 1 })).toEqual([]);
  });

  it('keep their own retained messages', async () => {
    const [one, two] = await pair('retains');
    await one.send(publish('kept/x', suite.text('one'), { retain: true }));
    await two.send(publish('kept/x', suite.text('two'), { retain: true }));
    expect((await one.exchange(subscribe(1, 'kept/x'))).pushes).toMatchObject([
      { payload: suite.text('one') },
    ]);
    expect((await two.exchange(subscribe(1, '#'))).pushes).toMatchObject([{ payload: suite.text('two') }]);
    await two.send(publish('kept/x', '', { retain: true }));
    expect((await one.exchange(subscribe(2, '#'))).pushes).toMatchObject([{ payload: suite.text('one') }]);
  });

  it('keep their own Wills', async () => {
    const will: Will = { topic: 'will', payload: Buffer.from(suite.secret), qos: 1, retain: true };
    const [one, two] = await pair('wills', { will });
    const watcher = await suite.connect();
    await watcher.send(subscribe(1, { topic: '#', qos: 0, rh: 2 }));
    await two.close();
    await suite.releasedIn('other-wills');
    expect(await watcher.settle()).toEqual([]);
    await one.close();
    await suite.released(watcher);
    expect(await watcher.settle()).toMatchObject([{ topic: 'will' }]);
  });

  it('keep their own members of shared subscriptions', async () => {
    const [one, two] = await pair('shares');
    for (const client of [one, two]) await client.send(subscribe(1, '$share/g/s'));
    const { pushes } = await one.exchange(...Array.from({ length: 20 }, () => publish('s', suite.secret)));
    expect(pushes).toHaveLength(20);
    expect(await two.settle()).toEqual([]);
  });

  it('cannot use the name of another: the token decides the tenant, not the user name', async () => {
    const other = await suite.tenant('other-borrows');
    for (const [username, token] of [
      [suite.mint.tenant, await other()],
      [other.tenant, await suite.mint()],
      [suite.mint.tenant, await other({ tenant: suite.mint.tenant })],
      [suite.mint.tenant, await other({ iss: `wisp:${suite.mint.tenant}` })],
    ] as const) {
      const client = await suite.open();
      const { pushes } = await client.exchange(await suite.connectPacket({ username, token }));
      expect(pushes).toMatchObject([{ cmd: 'connack', reasonCode: 0x86 }]);
    }
  });
});
