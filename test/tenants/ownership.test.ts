import { describe, expect, it } from 'vitest';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type ConnectFields, useSuite } from '../broker/suite.ts';

const suite = useSuite();
const topics = { publish: ['#'], subscribe: ['#'] };
const kept = { clean: false, properties: { sessionExpiryInterval: 600 } };
const method = { authenticationMethod: 'wisp-jwt' };

/** The answer to a CONNECT that is refused. */
async function refused(fields: ConnectFields) {
  const client = await suite.open({ version: fields.protocolVersion ?? 5 });
  const { replies, pushes, closed } = await client.exchange(await suite.connectPacket(fields));
  expect(replies).toEqual([]);
  expect(closed).toBeDefined();
  return pushes;
}

describe('a session belongs to the subject of its token', () => {
  it.each([3, 4, 5] as const)(
    'a token of another subject neither ends its connection nor wipes it, version %i',
    async (protocolVersion) => {
      const clientId = `owned-${protocolVersion}`;
      const fields = { clientId, protocolVersion, clean: false };
      const owner = await suite.connect({ ...fields, claims: { sub: 'anna' } });
      await owner.send(subscribe(1, { topic: 'a', qos: 1 }));
      for (const claims of [{ sub: 'bert' }, {}])
        for (const clean of [true, false])
          expect(await refused({ ...fields, clean, claims })).toMatchObject([
            protocolVersion === 5 ? { cmd: 'connack', reasonCode: 0x85 } : { cmd: 'connack', returnCode: 2 },
          ]);
      expect(owner.isClosed).toBe(false);
      const { replies, pushes } = await owner.exchange(
        publish('a', suite.text('x'), { qos: 1, messageId: 2 }),
      );
      expect(replies).toMatchObject([{ cmd: 'puback' }]);
      expect(pushes).toMatchObject([{ cmd: 'publish', topic: 'a' }]);
    },
  );

  it('while it is offline too, until it ends', async () => {
    const fields = { ...kept, clientId: 'away' };
    const owner = await suite.connect({ ...fields, claims: { sub: 'anna' } });
    await owner.exchange({ cmd: 'disconnect', reasonCode: 0 });
    await suite.released();
    expect(await refused({ ...fields, claims: { sub: 'bert' } })).toMatchObject([{ reasonCode: 0x85 }]);
    const back = await suite.connect({ ...fields, claims: { sub: 'anna' } });
    expect(back.connack).toMatchObject({ sessionPresent: true });
    await back.exchange({ cmd: 'disconnect', reasonCode: 0 });
    await suite.released();
    await suite.advance(601);
    const next = await suite.connect({ ...fields, claims: { sub: 'bert' } });
    expect(next.connack.sessionPresent).not.toBe(true);
  });

  it('but a token that names the client id takes it, and keeps others out', async () => {
    const fields = { ...kept, clientId: 'named' };
    await suite.connect({ ...fields, claims: { sub: 'anna' } });
    const mqtt = { ...topics, clientId: 'named' };
    const next = await suite.connect({ ...fields, claims: { sub: 'bert', mqtt } });
    expect(next.connack).toMatchObject({ sessionPresent: true });
    expect(await refused({ ...fields, claims: { sub: 'anna' } })).toMatchObject([{ reasonCode: 0x85 }]);
    await suite.connect({ ...fields, claims: { mqtt } });
    expect(await refused({ ...fields, claims: { sub: 'bert' } })).toMatchObject([{ reasonCode: 0x85 }]);
    expect(await refused({ ...fields })).toMatchObject([{ reasonCode: 0x85 }]);
  });

  it('and one that belongs to nobody is taken by the first subject', async () => {
    const fields = { ...kept, clientId: 'old-row' };
    await suite.connect({ ...fields });
    const first = await suite.connect({ ...fields, claims: { sub: 'anna' } });
    expect(first.connack).toMatchObject({ sessionPresent: true });
    expect(await refused({ ...fields, claims: { sub: 'bert' } })).toMatchObject([{ reasonCode: 0x85 }]);
  });

  it('AUTH with a token of another subject ends the connection, unless it names the client id', async () => {
    const client = await suite.connect({ clientId: 'renewing', claims: { sub: 'anna' }, properties: method });
    const renew = async (claims: Record<string, unknown>) =>
      client.exchange({
        cmd: 'auth',
        reasonCode: 0x19,
        properties: { ...method, authenticationData: Buffer.from(await suite.mint(claims)) },
      });
    expect((await renew({ sub: 'anna' })).replies).toMatchObject([{ cmd: 'auth', reasonCode: 0 }]);
    const mqtt = { ...topics, clientId: 'renewing' };
    expect((await renew({ sub: 'bert', mqtt })).replies).toMatchObject([{ cmd: 'auth', reasonCode: 0 }]);
    expect((await renew({ sub: 'carl' })).pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x87 }]);
  });
});

describe('a release of a client id', () => {
  it.each(['online', 'offline'])('ends the session of a client that is %s', async (state) => {
    const clientId = `released-${state}`;
    const fields = { ...kept, clientId };
    const owner = await suite.connect({ ...fields, claims: { sub: 'anna' } });
    await owner.send(subscribe(1, { topic: 'for-anna', qos: 1 }));
    if (state === 'offline') {
      await owner.exchange({ cmd: 'disconnect', reasonCode: 0 });
      await suite.released();
      const sender = await suite.connect();
      await sender.send(publish('for-anna', suite.text('private'), { qos: 1, messageId: 1 }));
    }
    const url = `${suite.service.adminUrl}/tenants/${suite.mint.tenant}/client/release?clientId=${clientId}`;
    const release = async () => (await fetch(url, { method: 'POST' })).json();
    expect(await release()).toEqual({ released: true });
    expect(await suite.session(clientId)).toBeUndefined();
    expect(await release()).toMatchObject({ code: 'client-unknown' });
    const key = { tenant: vouchedTenantId(suite.mint.tenant), clientId };
    expect(await suite.service.stores.sessionSubscriptions.list(key)).toEqual([]);
    expect(await suite.service.stores.queue.count(key, 10)).toBe(0);
    const next = await suite.connect({ ...fields, claims: { sub: 'bert' } });
    expect(next.connack.sessionPresent).not.toBe(true);
    expect(next.waited).toEqual([]);
  });
});
