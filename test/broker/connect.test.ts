import { describe, expect, it } from 'vitest';
import type { Ports } from '../../lib/core/ports.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { reasonText } from '../../lib/mqtt/index.ts';
import { notedSince } from './cases/noted.ts';
import { refusedConnects, withBusySession } from './cases/refused-connects.ts';
import { publish, subscribe } from './packets.ts';
import { useSuite } from './suite.ts';

const suite = useSuite({
  wrapPorts: (ports: Ports): Ports => ({
    ...ports,
    sessions: withBusySession(ports.sessions),
  }),
});

const versions = [3, 4, 5] as const;

describe('a CONNECT is refused: CONNACK, close, and no state [MQTT-3.1.4-5 v3, MQTT-3.2.2-4 v3, MQTT-3.2.2-5 v3, MQTT-3.1.4-2 v5, MQTT-3.1.4-6 v5, MQTT-3.2.2-7 v5, MQTT-3.2.2-8 v5, MQTT-4.12.0-4 v5, MQTT-4.13.2-1 v5]', () => {
  for (const [index, { name, fields, change, v5, v3, only }] of refusedConnects.entries()) {
    for (const protocolVersion of versions) {
      const code = protocolVersion === 5 ? v5 : v3;
      if (code === undefined || (protocolVersion < 5 && only?.includes(protocolVersion as 3) === false))
        continue;
      it(`${name}, version ${protocolVersion}`, async () => {
        const other = await suite.tenant(`other-${protocolVersion}-${index}`);
        const packet = await suite.connectPacket({ ...(await fields(suite.mint, other)), protocolVersion });
        const client = await suite.open({ version: protocolVersion });
        const before = new Map(suite.service.refusals);
        const { replies, pushes, closed } = await client.exchange(change?.(packet) ?? packet, {
          cmd: 'pingreq',
        });
        expect([...notedSince(suite.service, before).values()], 'noted once').toEqual([1]);
        expect(replies).toEqual([]);
        expect(closed).toEqual({ code: 1000, reason: '' });
        if (code === 'close') expect(pushes).toEqual([]);
        else if (protocolVersion === 5) {
          expect(pushes).toEqual([
            { cmd: 'connack', reasonCode: code, properties: { reasonString: expect.any(String) } },
          ]);
          expect(reasonText('connack', code)).toBeDefined();
        } else expect(pushes).toEqual([{ cmd: 'connack', returnCode: code }]);
        if (packet.clientId !== 'busy') expect(await suite.session(packet.clientId)).toBeUndefined();
      });
    }
  }
});

it.each([
  [4, []],
  [12, [{ cmd: 'connack', reasonCode: 0x95 }]],
] as const)('a Maximum Packet Size of %i bytes, which CONNACK exceeds, is refused', async (bytes, pushed) => {
  const packet = await suite.connectPacket({ properties: { maximumPacketSize: bytes } });
  const client = await suite.open();
  const { replies, pushes, closed } = await client.exchange(packet);
  expect({ replies, pushes }).toEqual({ replies: [], pushes: pushed });
  expect(closed).toEqual({ code: 1000, reason: '' });
  expect(await suite.session(packet.clientId)).toBeUndefined();
});

describe('a suspended tenant', () => {
  it.each(versions)('is refused at CONNECT and at the next packet, version %i', async (protocolVersion) => {
    const mint = await suite.tenant(`suspended-${protocolVersion}`);
    const fields = async () => ({ protocolVersion, username: mint.tenant, token: await mint() });
    const client = await suite.open({ version: protocolVersion });
    const before = await client.exchange(await suite.connectPacket(await fields()));
    expect(before.replies).toMatchObject([{ cmd: 'connack' }]);

    const { tenantAdmin } = suite.service.stores;
    const config = await tenantAdmin.show(mint.tenant);
    if (config === undefined) throw new Error('The tenant does not exist');
    await tenantAdmin.delete(mint.tenant);
    await tenantAdmin.create(mint.tenant, { ...config, status: 'suspended' });
    const ended = await client.exchange({ cmd: 'pingreq' });
    expect(ended.closed).toBeDefined();
    expect(ended.pushes).toEqual(
      protocolVersion === 5
        ? [{ cmd: 'disconnect', reasonCode: 0x98, properties: { reasonString: expect.any(String) } }]
        : [],
    );

    const again = await suite.open({ version: protocolVersion });
    const refused = await again.exchange(await suite.connectPacket(await fields()));
    expect(refused.closed).toBeDefined();
    expect(refused.pushes).toMatchObject([
      protocolVersion === 5 ? { cmd: 'connack', reasonCode: 0x87 } : { cmd: 'connack', returnCode: 5 },
    ]);
  });
});

it.each(versions)(
  'a suspended tenant is refused at CONNECT with an earlier handshake token, and so are the packets behind it, version %i',
  async (protocolVersion) => {
    const mint = await suite.tenant(`suspended-handshake-${protocolVersion}`);
    const { password: _, username: __, ...packet } = await suite.connectPacket({ protocolVersion });
    const open = async () =>
      suite.open({ version: protocolVersion, headers: { Authorization: `Bearer ${await mint()}` } });
    const [suspended, deleted] = [await open(), await open()];
    const { tenantAdmin, sessions } = suite.service.stores;
    const config = await tenantAdmin.show(mint.tenant);
    if (config === undefined) throw new Error('The tenant does not exist');
    for (const [client, v5, v3] of [
      [deleted, 0x86, 4],
      [suspended, 0x87, 5],
    ] as const) {
      await tenantAdmin.delete(mint.tenant);
      if (client === suspended) await tenantAdmin.create(mint.tenant, { ...config, status: 'suspended' });
      const message = publish('retained', suite.text('x'), { retain: true });
      const { replies, pushes, closed } = await client.exchange(packet, subscribe(1, '#'), message);
      expect(replies).toEqual([]);
      expect(closed).toBeDefined();
      expect(pushes).toMatchObject([
        protocolVersion === 5 ? { cmd: 'connack', reasonCode: v5 } : { cmd: 'connack', returnCode: v3 },
      ]);
    }
    const key = { tenant: vouchedTenantId(mint.tenant), clientId: packet.clientId };
    expect(await sessions.get(key)).toBeUndefined();
  },
);

describe('a CONNECT is accepted', () => {
  it.each(versions)(
    'with a token as password, version %i [MQTT-3.1.4-4 v3, MQTT-3.2.0-1 v3+v5, MQTT-3.1.4-5 v5]',
    async (protocolVersion) => {
      const client = await suite.connect({ protocolVersion });
      expect(client.connack).toMatchObject(
        protocolVersion === 5 ? { cmd: 'connack', reasonCode: 0 } : { cmd: 'connack', returnCode: 0 },
      );
      expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    },
  );

  it('with further packets in the same frame, answered in order after CONNACK', async () => {
    const client = await suite.open();
    const { replies, pushes } = await client.exchange(
      await suite.connectPacket(),
      subscribe(1, 'a/b'),
      publish('a/b', suite.text('first'), { qos: 1, messageId: 2 }),
      { cmd: 'pingreq' },
    );
    expect(replies.map(({ cmd }) => cmd)).toEqual(['connack', 'suback', 'puback', 'pingresp']);
    expect(pushes).toMatchObject([{ cmd: 'publish', topic: 'a/b' }]);
  });

  it('without a client identifier, and is told the assigned one [MQTT-3.1.3-6 v5, MQTT-3.1.3-7 v5, MQTT-3.2.2-16 v5]', async () => {
    const [one, two] = [await suite.connect({ clientId: '' }), await suite.connect({ clientId: '' })];
    expect(one.clientId).toMatch(/^[0-9A-Z]{1,26}$/);
    expect(one.clientId).not.toBe(two.clientId);
    expect((await suite.session(one.clientId))?.address).toBeDefined();
  });

  it('without a client identifier in 3.1.1 [MQTT-3.1.3-6 v3]', async () => {
    const client = await suite.open({ version: 4 });
    const { replies } = await client.exchange(
      await suite.connectPacket({ protocolVersion: 4, clientId: '' }),
      subscribe(1, 'x'),
    );
    expect(replies).toEqual([
      { cmd: 'connack', returnCode: 0 },
      { cmd: 'suback', messageId: 1, granted: [0] },
    ]);
  });

  it('with the client identifier that the token demands', async () => {
    const claims = { mqtt: { clientId: 'demanded', publish: [], subscribe: [] } };
    expect((await suite.connect({ clientId: 'demanded', claims })).connack).toMatchObject({ reasonCode: 0 });
    const assigned = await suite.connect({ clientId: '', claims });
    expect(assigned.clientId).toBe('demanded');
  });

  it('with odd but valid client identifiers [MQTT-3.1.3-4 v5, MQTT-3.1.3-5 v5, MQTT-3.1.3-5 v3]', async () => {
    for (const clientId of [
      'a/b',
      '+',
      '#',
      '$share/x/y',
      ' ',
      'ü'.repeat(128),
      '\u{feff}x',
      '~',
      'a\u{10ffff}',
    ]) {
      const client = await suite.connect({ clientId });
      expect(await client.send(subscribe(1, { topic: 'odd', qos: 1 }))).toMatchObject([{ granted: [1] }]);
      const { pushes } = await client.exchange(
        publish('odd', suite.text(clientId), { qos: 1, messageId: 5 }),
      );
      expect(pushes).toMatchObject([{ topic: 'odd', payload: suite.text(clientId) }]);
      await client.exchange({ cmd: 'disconnect', reasonCode: 0 });
    }
  });

  it.each(['wisp-jwt', 'OAUTH2-JWT', 'CUSTOM-JWT'])(
    'with the token as authentication data of %s [MQTT-4.12.0-5 v5]',
    async (authenticationMethod) => {
      const packet = await suite.connectPacket();
      const { password, ...rest } = packet;
      const client = await suite.open();
      const { replies } = await client.exchange({
        ...rest,
        properties: { authenticationMethod, ...(password ? { authenticationData: password } : {}) },
      });
      expect(replies).toMatchObject([
        { cmd: 'connack', reasonCode: 0, properties: { authenticationMethod } },
      ]);
    },
  );

  it('with its own keep-alive, or with the longest one where its own is longer [MQTT-3.1.2-21 v5]', async () => {
    const told = async (keepalive: number) =>
      ((await suite.connect({ keepalive })).connack.properties as { serverKeepAlive?: number })
        .serverKeepAlive;
    expect(await told(30)).toBeUndefined();
    expect(await told(540)).toBeUndefined();
    expect(await told(541)).toBe(540);
    expect(await told(0)).toBe(540);
  });
});

describe('a connection carries', () => {
  it.each(versions)(
    'one CONNECT, version %i [MQTT-3.1.0-2 v3+v5, MQTT-3.2.0-2 v5]',
    async (protocolVersion) => {
      const client = await suite.connect({ protocolVersion });
      const second = await suite.connectPacket({ protocolVersion, clientId: client.clientId });
      const { replies, pushes, closed } = await client.exchange({ cmd: 'pingreq' }, second, {
        cmd: 'pingreq',
      });
      expect(closed).toBeDefined();
      expect(replies).toEqual([]);
      expect(pushes).toMatchObject([
        { cmd: 'pingresp' },
        ...(protocolVersion === 5 ? [{ cmd: 'disconnect', reasonCode: 0x82 }] : []),
      ]);
    },
  );

  it('one CONNECT, even where a frame has two', async () => {
    const client = await suite.open();
    const packet = await suite.connectPacket();
    const { pushes, closed } = await client.exchange(packet, packet);
    expect(closed).toBeDefined();
    expect(pushes).toMatchObject([
      { cmd: 'connack', reasonCode: 0 },
      { cmd: 'disconnect', reasonCode: 0x82 },
    ]);
  });

  it('nothing before CONNECT [MQTT-3.1.0-1 v3+v5]', async () => {
    for (const first of [
      { cmd: 'pingreq' } as const,
      publish('a', suite.text('early'), { qos: 1, messageId: 1 }),
      subscribe(1, '#'),
      { cmd: 'disconnect' } as const,
      { cmd: 'puback', messageId: 1 } as const,
      { cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'wisp-jwt' } } as const,
    ]) {
      const client = await suite.open();
      const { replies, pushes, closed } = await client.exchange(first, await suite.connectPacket());
      expect({ replies, pushes }).toEqual({ replies: [], pushes: [] });
      expect(closed).toBeDefined();
    }
  });

  it('no heartbeat before CONNECT', async () => {
    for (const options of [{}, { headers: { authorization: `Bearer ${await suite.mint()}` } }]) {
      const client = await suite.open(options);
      expect((await client.exchangeText('.')).closed).toBeDefined();
    }
  });

  it('nothing for longer than the authentication deadline of ten seconds', async () => {
    const client = await suite.open();
    await suite.advance(10);
    expect((await client.closed).code).toBe(1000);
  });
});
