import { expect, test } from 'vitest';
import { metrics } from '../../lib/core/metrics.ts';
import type { RevocationTarget } from '../../lib/core/model.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { createMeter } from '../../lib/local/dynamodb/meter.ts';
import { revoke as revokeTokens } from '../../lib/sessions/revocation.ts';
import { publish, subscribe } from '../broker/packets.ts';
import { type ConnectFields, useSuite } from '../broker/suite.ts';

let meter: ReturnType<typeof createMeter> | undefined;
const suite = useSuite({
  wrapStore: (handler) => {
    meter = createMeter(handler as Parameters<typeof createMeter>[0]);
    return meter.requestHandler;
  },
});

const nowSeconds = () => Math.floor(suite.clock.now() / 1000);
const revoke = (target: RevocationTarget, tenant = suite.mint.tenant) =>
  revokeTokens(suite.service.service.context, vouchedTenantId(tenant), target);
/** Waits for the timers of a revocation that are due now. */
const firstRound = () => suite.service.queues.idle();

let number = 0;
/** A client whose token, issued now, has all claims by which it can be revoked. */
async function connectNamed(fields: ConnectFields = {}) {
  number += 1;
  const token = { jti: `token-${number}`, sub: `subject-${number}`, iat: nowSeconds() };
  const client = await suite.connect({
    clientId: `named-${number}`,
    claims: { ...token, ...fields.claims },
    ...fields,
  });
  return { client, token, clientId: client.clientId };
}
type Named = Awaited<ReturnType<typeof connectNamed>>;

const refused = { cmd: 'connack', reasonCode: 0x87, properties: { reasonString: expect.any(String) } };
const ended = [{ cmd: 'disconnect', reasonCode: 0x87, properties: { reasonString: expect.any(String) } }];

const targets: [string, (named: Named) => RevocationTarget][] = [
  ['token id', ({ token }) => ({ kind: 'token', tokenId: token.jti })],
  ['subject', ({ token }) => ({ kind: 'subject', subject: token.sub })],
  ['client id', ({ clientId }) => ({ kind: 'client', clientId })],
];

for (const [name, targetOf] of targets) {
  test(`by ${name}: an idle connection ends with 0x87 and its Will, others stay`, async () => {
    const watcher = await suite.connect();
    await watcher.send(subscribe(1, 'gone'));
    const payload = Buffer.from(suite.text('will'));
    const meant = await connectNamed({ will: { topic: 'gone', payload, qos: 0, retain: false } });
    const other = await connectNamed();
    expect(await revoke(targetOf(meant))).toBe(suite.clock.now());
    await firstRound();
    expect(await meant.client.closed).toEqual({ code: 1000, reason: '' });
    expect(await meant.client.take(1)).toEqual(ended);
    expect(await watcher.settle()).toMatchObject([{ topic: 'gone' }]);
    expect(await other.client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
    expect(await watcher.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
  });

  test(`by ${name}: the token no longer connects, a newer one does`, async () => {
    const meant = await connectNamed();
    const { token, clientId } = meant;
    await revoke(targetOf(meant));
    await firstRound();
    const again = await suite.open();
    const { pushes } = await again.exchange(await suite.connectPacket({ clientId, claims: token }));
    expect(pushes).toEqual([refused]);
    const withoutTime = await suite.open();
    const { iat: _, ...timeless } = token;
    expect(
      (await withoutTime.exchange(await suite.connectPacket({ clientId, claims: timeless }))).pushes,
    ).toEqual([refused]);
    await suite.advance(1);
    await suite.connect({ clientId, claims: { ...token, iat: nowSeconds() } });
  });
}

test('version 3.1.1: refused with return code 5, a live connection closed', async () => {
  const meant = await connectNamed({ protocolVersion: 4 });
  await revoke({ kind: 'client', clientId: meant.clientId });
  await firstRound();
  await meant.client.closed;
  const again = await suite.open({ version: 4 });
  const packet = await suite.connectPacket({
    clientId: meant.clientId,
    claims: meant.token,
    protocolVersion: 4,
  });
  expect((await again.exchange(packet)).pushes).toEqual([{ cmd: 'connack', returnCode: 5 }]);
});

test('the next frame of a live connection is refused without waiting for timers, and none of it is handled', async () => {
  const watcher = await suite.connect();
  await watcher.send(subscribe(1, 'a'));
  const meant = await connectNamed();
  const { stores } = suite.service;
  const target = { kind: 'token', tokenId: meant.token.jti } as const;
  await stores.revocations.revoke(vouchedTenantId(suite.mint.tenant), target, suite.clock.now());
  const { pushes, closed } = await meant.client.exchange(
    publish('a', suite.text('a'), { qos: 1, messageId: 1 }),
  );
  expect(closed).toBeDefined();
  expect(pushes).toEqual(ended);
  expect(await watcher.settle()).toEqual([]);
  expect(suite.service.counters.get(metrics.connectionsRevoked)).toBeGreaterThan(0);
});

test('an unaffected connection is checked once; a later token never', async () => {
  const older = await connectNamed();
  await revoke({ kind: 'token', tokenId: 'somebody' });
  await firstRound();
  await suite.advance(40);
  const newer = await connectNamed();
  const callsOf = async (client: Named['client']) => {
    meter?.reset();
    await client.send({ cmd: 'pingreq' });
    return meter?.calls.map(({ operation }) => operation);
  };
  expect(await callsOf(older.client)).toEqual(['BatchGetItem', 'BatchGetItem', 'UpdateItem']);
  // PINGREQ alone does not read the tenant's row again for 30 s.
  expect(await callsOf(older.client)).toEqual(['GetItem']);
  expect(await callsOf(newer.client)).toEqual(['GetItem']);
});

test('AUTH: a revoked token does not renew', async () => {
  const properties = { authenticationMethod: 'wisp-jwt' };
  const { client, clientId, token } = await connectNamed({ properties });
  const target = { kind: 'token', tokenId: token.jti } as const;
  await suite.advance(1);
  const newer = await suite.mint({ ...token, jti: 'newer', iat: nowSeconds(), exp: undefined });
  const auth = (data: string) =>
    ({
      cmd: 'auth',
      reasonCode: 0x19,
      properties: { ...properties, authenticationData: Buffer.from(data) },
    }) as const;
  expect(await client.send(auth(newer))).toMatchObject([{ cmd: 'auth', reasonCode: 0 }]);
  await revoke(target);
  await firstRound();
  // The connection now has the newer token.
  expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
  const revoked = await suite.mint({ ...token, mqtt: { clientId }, exp: undefined });
  const { pushes, closed } = await client.exchange(auth(revoked));
  expect(pushes).toEqual(ended);
  expect(closed).toBeDefined();
});

test('the token of a handshake is checked at CONNECT', async () => {
  const iat = nowSeconds();
  const socket = await suite.open({
    query: { token: await suite.mint({ jti: 'handshake', iat }), tenant: suite.mint.tenant },
  });
  await revoke({ kind: 'token', tokenId: 'handshake' });
  await firstRound();
  const { password: _, username: _1, ...packet } = await suite.connectPacket();
  expect((await socket.exchange(packet)).pushes).toEqual([refused]);
});

test('the whole tenant; other tenants are unaffected', async () => {
  const other = await suite.tenant('bystanders');
  const clients = await Promise.all(Array.from({ length: 12 }, () => connectNamed()));
  await revoke({ kind: 'tenant' }, other.tenant);
  await firstRound();
  for (const { client } of clients)
    expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
  await revoke({ kind: 'tenant' });
  await firstRound();
  for (const { client } of clients) expect(await client.closed).toEqual({ code: 1000, reason: '' });
  await suite.advance(1);
  const { client } = await connectNamed();
  expect(await client.send({ cmd: 'pingreq' })).toEqual([{ cmd: 'pingresp' }]);
});

test('a connection that became visible after the first walk is found by the second', async () => {
  const meant = await connectNamed();
  const { stores } = suite.service;
  const tenant = vouchedTenantId(suite.mint.tenant);
  const target = { kind: 'client', clientId: meant.clientId } as const;
  const session = await stores.sessions.get({ tenant, clientId: meant.clientId });
  const connection = session?.address && (await stores.connections.get(session.address));
  if (session === undefined || connection === undefined) throw new Error('no connection');
  // Simulates a row that did not exist yet.
  await stores.connections.delete(connection.address);
  await revoke(target);
  await firstRound();
  expect(meant.client.isClosed).toBe(false);
  await stores.connections.create(connection);
  await suite.advance(40);
  expect(await meant.client.closed).toEqual({ code: 1000, reason: '' });
});

test('an unknown tenant is reported, and nothing is written', async () => {
  expect(await revoke({ kind: 'tenant' }, 'nobody')).toBeUndefined();
});
