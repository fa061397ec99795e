import { describe, expect, it } from 'vitest';
import { subprotocol } from '../../lib/wire/limits.ts';
import { handshake, type OpenOptions } from '../support/raw-client.ts';
import { forged, unsigned } from './cases/refused-connects.ts';
import { publish, subscribe } from './packets.ts';
import { type ConnectFields, useSuite } from './suite.ts';

const suite = useSuite();
const nowSeconds = (): number => Math.floor(suite.clock.now() / 1000);
const bearer = (token: string): OpenOptions => ({ headers: { Authorization: `Bearer ${token}` } });
const query = (token: string): OpenOptions => ({ query: { token } });
const method = { authenticationMethod: 'wisp-jwt' };

/** A CONNECT without a token. */
async function bare(fields: ConnectFields = {}) {
  const { username: _, password: __, ...packet } = await suite.connectPacket(fields);
  return packet;
}

describe.each([
  ['the Authorization header', bearer],
  ['?token=', query],
])('a token in %s', (_, place) => {
  it.each([3, 4, 5] as const)('admits a client without a password, version %i', async (protocolVersion) => {
    const client = await suite.open({ version: protocolVersion, ...place(await suite.mint()) });
    const { replies } = await client.exchange(await bare({ protocolVersion }), subscribe(1, 'a'));
    expect(replies).toMatchObject([{ cmd: 'connack' }, { cmd: 'suback', granted: [0] }]);
  });

  it('is ignored where the password is another token', async () => {
    const client = await suite.open(place(await suite.mint()));
    const claims = { mqtt: { publish: [], subscribe: ['only/this'] } };
    const replies = await client.send(await suite.connectPacket({ claims }), subscribe(1, 'a', 'only/this'));
    expect(replies).toMatchObject([{ cmd: 'connack' }, { cmd: 'suback', granted: [0x87, 0] }]);
    const refused = await suite.open(place(await suite.mint()));
    const { pushes } = await refused.exchange(await suite.connectPacket({ token: 'swordfish' }));
    expect(pushes).toMatchObject([{ cmd: 'connack', reasonCode: 0x86 }]);
  });

  it('is refused at the handshake with 401 where it is not valid', async () => {
    const other = await suite.tenant(`other-${place === bearer ? 'header' : 'query'}`);
    const bad = {
      'not a token': 'swordfish',
      expired: await suite.mint({ exp: nowSeconds() - 1 }),
      'expiring now': await suite.mint({ exp: nowSeconds() }),
      'not valid yet': await suite.mint({ nbf: nowSeconds() + 60 }),
      forged: await forged(suite.mint.tenant),
      'in the name of another tenant': await other({ tenant: suite.mint.tenant }),
      unsigned: unsigned(suite.mint.tenant, 'none', ''),
      'of another algorithm': unsigned(suite.mint.tenant, 'HS256', 'AAAA'),
      'for somebody else': await suite.mint({ aud: 'other' }).then((token) => `${token}x`),
      'too large': 'a'.repeat(3_000),
    };
    for (const [name, token] of Object.entries(bad))
      expect(await handshake(suite.service.url, [subprotocol], place(token)), name).toEqual({ status: 401 });
    expect(await handshake(suite.service.url, [subprotocol], place(await suite.mint()))).toMatchObject({
      status: 101,
    });
  });
});

describe('the end of a token', () => {
  it.each([4, 5] as const)(
    'ends its connection and publishes the Will, version %i',
    async (protocolVersion) => {
      const watcher = await suite.connect();
      await watcher.send(subscribe(1, 'wills/#'));
      const client = await suite.connect({
        protocolVersion,
        claims: { exp: nowSeconds() + 120 },
        will: { topic: 'wills/token', payload: Buffer.from(suite.text('gone')), qos: 0, retain: false },
      });
      await suite.advance(119);
      expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
      await suite.advance(2);
      await client.closed;
      const last = await client.exchangeText('.');
      expect(last.pushes).toMatchObject(
        protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode: 0xa0 }] : [],
      );
      expect(await watcher.settle()).toMatchObject([{ topic: 'wills/token', payload: suite.text('gone') }]);
    },
  );

  it('refuses frames, even where the timer is late', async () => {
    const watcher = await suite.connect();
    await watcher.send(subscribe(1, 'late'));
    const client = await suite.connect({ claims: { exp: nowSeconds() + 30 } });
    // Only the clock advances: the timer has not fired yet when the frame arrives.
    const moved = suite.clock.advance(30_000);
    const { pushes, closed } = await client.exchange(
      publish('late', suite.text('x'), { qos: 1, messageId: 1 }),
    );
    await moved;
    expect(closed).toBeDefined();
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0xa0 }]);
    expect(await watcher.settle()).toEqual([]);
  });

  it('is postponed where the token was renewed in time', async () => {
    const client = await suite.connect({ claims: { exp: nowSeconds() + 100 }, properties: method });
    const renew = async (seconds: number) =>
      client.send({
        cmd: 'auth',
        reasonCode: 0x19,
        properties: {
          ...method,
          authenticationData: Buffer.from(await suite.mint({ exp: nowSeconds() + seconds })),
        },
      });
    await suite.advance(50);
    expect(await renew(200)).toMatchObject([{ cmd: 'auth', properties: method }]);
    await suite.advance(60);
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    await renew(400);
    await suite.advance(200);
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    await suite.advance(201);
    await client.closed;
    expect((await client.exchangeText('.')).pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0xa0 }]);
  });
});

describe('re-authentication', () => {
  it('applies the new permissions from the next packet on [MQTT-4.12.1-1 v5]', async () => {
    const grants = (...topics: string[]) => ({ mqtt: { publish: topics, subscribe: topics } });
    const client = await suite.connect({ claims: grants('old'), properties: method });
    await client.send(subscribe(1, { topic: 'old', qos: 1 }));
    const replies = await client.send(
      publish('new', suite.text('x'), { qos: 1, messageId: 1 }),
      {
        cmd: 'auth',
        reasonCode: 0x19,
        properties: { ...method, authenticationData: Buffer.from(await suite.mint(grants('new'))) },
      },
      publish('new', suite.text('x'), { qos: 1, messageId: 2 }),
      publish('old', suite.text('x'), { qos: 1, messageId: 3 }),
      subscribe(4, 'old', 'new'),
    );
    expect(replies).toMatchObject([
      { cmd: 'puback', messageId: 1, reasonCode: 0x87 },
      { cmd: 'auth', properties: method },
      { cmd: 'puback', messageId: 2, reasonCode: 0x10 },
      { cmd: 'puback', messageId: 3, reasonCode: 0x87 },
      { cmd: 'suback', granted: [0x87, 0] },
    ]);
    const [again] = await client.send(publish('new', suite.text('x'), { qos: 1, messageId: 5 }));
    expect(again).toMatchObject({ reasonCode: 0 });
  });

  it.each([
    ['another tenant', async () => (await suite.tenant('elsewhere'))()],
    [
      'another client identifier',
      async () => suite.mint({ mqtt: { clientId: 'x', publish: [], subscribe: [] } }),
    ],
    ['an expired token', async () => suite.mint({ exp: nowSeconds() - 1 })],
    ['a forged token', async () => forged(suite.mint.tenant)],
  ])('to %s ends the connection and publishes the Will', async (name, token) => {
    const watcher = await suite.connect();
    await watcher.send(subscribe(1, 'wills/+'));
    const client = await suite.connect({
      properties: method,
      will: { topic: `wills/${name}`, payload: Buffer.from(suite.secret), qos: 0, retain: false },
    });
    const { pushes, closed } = await client.exchange({
      cmd: 'auth',
      reasonCode: 0x19,
      properties: { ...method, authenticationData: Buffer.from(await token()) },
    });
    expect(closed).toBeDefined();
    expect(pushes).toMatchObject([{ cmd: 'disconnect', reasonCode: 0x87 }]);
    expect(await watcher.settle()).toMatchObject([{ topic: `wills/${name}` }]);
  });
});

describe('claims', () => {
  it('of EMQX have the meaning that EMQX gives them, in both forms', async () => {
    const list = {
      mqtt: undefined,
      acl: [
        { permission: 'deny', action: 'publish', topic: 'a/secret' },
        { permission: 'allow', action: 'all', topic: 'a/#' },
      ],
    };
    const object = { mqtt: undefined, acl: { pub: ['a/b'], sub: ['a/#'], all: ['c'] } };
    const codes = async (claims: Record<string, unknown>) => {
      const client = await suite.connect({ claims });
      const topics = ['a/b', 'a/secret', 'c', 'd'];
      const replies = await client.send(
        ...topics.map((topic, index) => publish(topic, suite.text('x'), { qos: 1, messageId: index + 1 })),
        subscribe(9, 'a/#', 'c', 'd'),
      );
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
      return replies.map(({ reasonCode, granted }) => granted ?? reasonCode);
    };
    expect(await codes(list)).toEqual([0x10, 0x87, 0x87, 0x87, [0, 0x87, 0x87]]);
    expect(await codes(object)).toEqual([0x10, 0x87, 0x10, 0x87, [0, 0, 0x87]]);
  });

  it('grant topics by client identifier and subject', async () => {
    const mqtt = { clientId: 'device-7', publish: [`\${clientId}/#`], subscribe: [`users/\${sub}`] };
    const claims = { sub: 'anna', mqtt };
    const client = await suite.connect({ clientId: 'device-7', claims });
    const replies = await client.send(
      publish('device-7/x', suite.text('x'), { qos: 1, messageId: 1 }),
      publish('device-8/x', suite.text('x'), { qos: 1, messageId: 2 }),
      subscribe(3, 'users/anna', 'users/bert', 'users/+'),
    );
    expect(replies).toMatchObject([{ reasonCode: 0x10 }, { reasonCode: 0x87 }, { granted: [0, 0x87, 0x87] }]);
  });

  it('grant nothing by the names that the client gives itself', async () => {
    const filters = [`u/\${username}/#`, `c/\${clientId}/#`];
    const token = await suite.mint({ mqtt: { publish: filters, subscribe: filters } });
    const client = await suite.open(bearer(token));
    const replies = await client.send(
      { ...(await bare({ clientId: 'victim' })), username: 'victim' },
      subscribe(1, 'u/victim/#', 'c/victim/#'),
      publish('c/victim/x', suite.text('x'), { qos: 1, messageId: 2 }),
    );
    expect(replies).toMatchObject([
      { cmd: 'connack' },
      { cmd: 'suback', granted: [0x87, 0x87] },
      { cmd: 'puback', reasonCode: 0x87 },
    ]);
  });

  it.each([123, null, '', ['victim']])('are refused where the user name is %j', async (username) => {
    const client = await suite.open();
    const { pushes } = await client.exchange(await suite.connectPacket({ claims: { username } }));
    expect(pushes).toMatchObject([{ cmd: 'connack', reasonCode: 0x87 }]);
  });

  it('without grants let a client connect, but neither publish nor subscribe', async () => {
    const client = await suite.connect({ claims: { mqtt: undefined } });
    const replies = await client.send(
      subscribe(1, '#', 'a'),
      publish('a', suite.text('x'), { qos: 1, messageId: 2 }),
    );
    expect(replies).toMatchObject([{ granted: [0x87, 0x87] }, { reasonCode: 0x87 }]);
  });
});
