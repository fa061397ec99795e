import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { WebSocket } from 'ws';
import type { IssuerConfig, TenantConfig } from '../../lib/auth/index.ts';
import type { ReasonName } from '../../lib/core/reasons.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { putRule } from '../../lib/delivery/rules.ts';
import { encodePacket } from '../../lib/mqtt/index.ts';
import type { Packet } from '../../lib/mqtt/types.ts';
import { revoke } from '../../lib/sessions/revocation.ts';
import { concatBytes, encodeChunks, encodeOneWay } from '../../lib/wire/index.ts';
import { forged, unsigned } from '../broker/cases/refused-connects.ts';
import { publish, subscribe, withoutClientId } from '../broker/packets.ts';
import type { Connected, ConnectFields, Suite } from '../broker/suite.ts';
import { ruleOf } from '../delivery/rules.ts';
import { readVectors } from '../mqtt/vectors.ts';
import type { Sendable } from '../support/raw-client.ts';

/** Brings about one refusal, or one drop, with the code under which it stands. */
type Drive = (suite: Suite) => Promise<unknown>;

const everything = { publish: ['#'], subscribe: ['#'] };
const few: ConnectFields = { claims: { mqtt: { publish: ['may/#'], subscribe: ['may/#'] } } };
const quotas = (of: Record<string, number>): ConnectFields => ({
  claims: { mqtt: { ...everything, quotas: of } },
});
const kept = { clean: false, properties: { sessionExpiryInterval: 86_400 } };
const method = { authenticationMethod: 'wisp-jwt' };
const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const;
const qos1 = (topic: string, payload = 'x', messageId = 1) => publish(topic, payload, { qos: 1, messageId });
const burst = (count: number, qos: 0 | 1 = 1): Packet[] =>
  Array.from({ length: count }, (_, index) => (qos === 0 ? publish('a', 'x') : qos1('a', 'x', index + 1)));
const deep = (levels = 70) => Array.from({ length: levels }, () => 'x').join('/');

/** Sends a CONNECT that is refused. */
const connect =
  (
    fields: ConnectFields | ((suite: Suite) => ConnectFields | Promise<ConnectFields>),
    change: (packet: Awaited<ReturnType<Suite['connectPacket']>>) => Sendable = (packet) => packet,
  ): Drive =>
  async (suite) => {
    const packet = await suite.connectPacket(typeof fields === 'function' ? await fields(suite) : fields);
    const client = await suite.open({ version: packet.protocolVersion });
    return client.exchange(change(packet));
  };

/** Sends packets after CONNECT. */
const send =
  (sent: readonly Sendable[], fields: ConnectFields = {}): Drive =>
  async (suite) =>
    (await suite.connect(fields)).exchange(...sent);

/** Sends texts as they are; with `fields` after CONNECT. */
const say =
  (texts: readonly string[], fields: ConnectFields | 'unconnected' = {}): Drive =>
  async (suite) => {
    const client = fields === 'unconnected' ? await suite.open() : await suite.connect(fields);
    for (const text of texts) await client.exchangeText(text);
  };

/** The first of the vectors that has this code. */
const vector =
  (code: string): Drive =>
  async (suite) => {
    const cases = readVectors()
      .flatMap(({ cases: all }) => all)
      .filter(({ expect }) => expect.error?.code === code);
    const found = cases.find(({ version }) => version !== null) ?? cases[0];
    if (found === undefined) throw new Error(`No vector has the code ${code}`);
    const { version, hex, expect } = found;
    if (version !== null) return send([hex], { protocolVersion: version })(suite);
    return (await suite.open({ version: expect.protocolVersion ?? 4 })).exchange(hex);
  };
const vectors = <Code extends string>(...codes: readonly Code[]): Record<Code, Drive> =>
  Object.fromEntries(codes.map((code) => [code, vector(code)])) as Record<Code, Drive>;

let tenants = 0;
/** A new tenant with one issuer, and CONNECTs with tokens of it. */
async function tenantOf(suite: Suite, issuer: Partial<IssuerConfig>, config: Partial<TenantConfig> = {}) {
  tenants += 1;
  const name = `coded-${tenants}`;
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = { kind: 'inline', keys: [await exportJWK(publicKey)] } as IssuerConfig['keys'];
  await suite.service.tenant(name, { issuers: [{ keys, ...issuer }], ...config });
  const token = (claims: Record<string, unknown>) =>
    new SignJWT({ mqtt: everything, ...claims }).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  const fields = async (claims: Record<string, unknown> = {}): Promise<ConnectFields> => ({
    username: name,
    token: await token(claims),
  });
  return { name, token, fields };
}

/** A CONNECT with a token that its issuer does not accept. */
const issued = (issuer: Partial<IssuerConfig>, claims: Record<string, unknown>): Drive =>
  connect(async (suite) => (await tenantOf(suite, issuer)).fields(claims));

/** Packets of a client whose tenant has these quotas. */
const inTenant =
  (of: NonNullable<TenantConfig['quotas']>, ...sent: readonly Sendable[]): Drive =>
  async (suite) => {
    const { fields } = await tenantOf(suite, {}, { quotas: of });
    return (await suite.connect(await fields())).exchange(...sent);
  };

async function setStatus({ service }: Suite, name: string, status: TenantConfig['status']): Promise<void> {
  const { tenantAdmin } = service.stores;
  const found = await tenantAdmin.read(name);
  if (found !== undefined) await tenantAdmin.update(name, found.revision, { ...found.config, status });
}

/** Re-authenticates with a token of these claims. */
const renew =
  (claims: Record<string, unknown>): Drive =>
  async (suite) => {
    const client = await suite.connect({ properties: method });
    const authenticationData = Buffer.from(await suite.mint({ exp: undefined, ...claims }));
    const properties = { ...method, authenticationData };
    return client.exchange({ cmd: 'auth', reasonCode: 0x19, properties } as never);
  };

/** Calls an HTTP API as a user of the tenant. */
const request =
  (
    verb: string,
    path: string,
    body?: unknown,
    claims: Record<string, unknown> = {},
    contentType = 'application/json',
    mint?: (claims: Record<string, unknown>) => Promise<string>,
  ): Drive =>
  async (suite) => {
    const token = await (mint ?? suite.mint)({ sub: 'anna', ...claims });
    return fetch(new URL(path, suite.service.publishUrl), {
      method: verb,
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
  };

const ruler = { mqtt: { ...everything, rules: true } };
const ruleBody = { filter: 'a', target: { kind: 'webhook', url: 'https://example.com/' } };
/** Puts a rule of a bearer. */
const ownRule = (changes: object, name = 'r', mqtt: object = {}): Drive =>
  request(
    'PUT',
    `/rules/${encodeURIComponent(name)}`,
    { ...ruleBody, ...changes },
    {
      mqtt: { ...ruler.mqtt, ...mqtt },
    },
  );

/** A subscriber at QoS 1 that is offline. */
async function sleeper(suite: Suite, topic: string, fields: ConnectFields, qos: 0 | 1 = 1) {
  const client = await suite.connect({ ...kept, ...fields });
  await client.send(subscribe(1, { topic, qos }));
  await client.exchange({ cmd: 'disconnect' });
  return client.clientId;
}

async function publisher(suite: Suite): Promise<Connected> {
  return suite.connect();
}

const chunks = (id: string, bytes: number) =>
  encodeChunks(id, encodePacket(publish('big', Buffer.alloc(bytes)), 5));

export const driven = {
  'token-missing': connect({}, ({ username: _, password: __, ...packet }) => packet),
  'token-too-large': connect({ token: 'x'.repeat(8_193) }),
  'token-malformed': connect({ token: 'swordfish' }),
  'token-algorithm': connect(({ mint }) => ({ token: unsigned(mint.tenant, 'none', '') })),
  'token-key-unknown': connect(({ mint }) => ({ token: unsigned(mint.tenant, 'HS256', 'AAAA') })),
  'token-signature': connect(async ({ mint }) => ({ token: await forged(mint.tenant) })),
  'observer-not-verified': connect({ token: `wisp-operator.01.${'A'.repeat(43)}` }),
  'token-keys-unavailable': connect(async (suite) => {
    const keys = {
      kind: 'secret-reference',
      reference: 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:none',
    } as const;
    const { name } = await tenantOf(suite, { keys });
    return { username: name, token: unsigned(name, 'HS256', 'AAAA') };
  }),
  'token-audience': issued({ audience: 'wisp' }, { aud: 'other' }),
  'token-expired': connect({ claims: { exp: Date.UTC(2025, 0) / 1000 } }),
  'token-lifetime': issued({ maxTokenSeconds: 60 }, {}),
  'token-not-yet-valid': connect({ claims: { nbf: Date.UTC(2040, 0) / 1000 } }),
  'token-tenant': issued({}, { tenant: 'other' }),
  'token-claim': issued({ requiredClaims: { role: 'device' } }, { role: 'page' }),
  'claims-malformed': connect({ claims: { mqtt: { publish: 'everything' } } }),
  'tenant-missing': connect(
    async (suite) => {
      const authenticationData = Buffer.from(await (await tenantOf(suite, {})).token({}));
      return { properties: { ...method, authenticationData } };
    },
    ({ username: _, password: __, ...packet }) => packet,
  ),
  'tenant-unknown': connect({ username: 'nobody' }),
  'tenant-suspended': connect(async (suite) => {
    const { name, fields } = await tenantOf(suite, {});
    await setStatus(suite, name, 'suspended');
    return fields();
  }),
  'token-revoked': async (suite) => {
    const { service, clock, mint } = suite;
    const iat = Math.floor(clock.now() / 1000) - 60;
    await revoke(service.service.context, vouchedTenantId(mint.tenant), {
      kind: 'client',
      clientId: 'revoked',
    });
    await connect({ clientId: 'revoked', claims: { iat } })(suite);
  },
  'token-of-another-client': renew({ mqtt: { ...everything, clientId: 'another' } }),
  'tenant-inactive': async (suite) => {
    const { name, fields } = await tenantOf(suite, {});
    const client = await suite.connect(await fields());
    await setStatus(suite, name, 'suspended');
    await suite.advance(60);
    if (!client.isClosed) await client.exchange({ cmd: 'pingreq' });
  },
  'bad-authentication-method': connect({ properties: { authenticationMethod: 'SCRAM-SHA-1' } }),
  'authentication-method-changed': send(
    [{ cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: 'OAUTH2-JWT' } } as never],
    { properties: method },
  ),
  'auth-unexpected': send([{ cmd: 'auth', reasonCode: 0x18, properties: method } as never], {
    properties: method,
  }),

  ...vectors(
    'partial-packet',
    'packet-too-large',
    'malformed-length',
    'reserved-packet-type',
    'server-only-packet',
    'connect-expected',
    'connect-repeated',
    'invalid-flags',
    'invalid-qos',
    'dup-at-qos-0',
    'unsupported-protocol-name',
    'unsupported-protocol-level',
    'invalid-connect-flags',
    'password-without-user-name',
    'malformed-utf8',
    'null-character',
    'length-mismatch',
    'trailing-bytes',
    'packet-identifier-zero',
    'no-filters',
    'invalid-subscription-options',
    'invalid-subscription-qos',
    'invalid-retain-handling',
    'no-local-on-shared',
    'unknown-property',
    'property-not-allowed',
    'property-from-server-only',
    'duplicate-property',
    'invalid-property-value',
    'topic-alias-zero',
    'authentication-method-missing',
    'invalid-reason-code',
    'payload-format-invalid',
  ),

  'bad-base64': say(['A']),
  'bad-frame': async (suite) => {
    const client = await suite.connect();
    client.sendMessage(JSON.stringify({ action: 'oneway', packets: '' }));
    await client.closed;
  },
  'frame-too-large': say([Buffer.alloc(24_003).toString('base64')]),
  'bad-chunk': say(['~x:0:1:']),
  'too-many-unfinished': async (suite) => {
    const client = await suite.connect();
    for (let id = 0; id < 17; id += 1) await client.exchangeText(chunks(`${id}`, 90_000)[0] ?? '');
  },
  'chunk-before-connect': say(chunks('a', 50_000).slice(0, 1), 'unconnected'),
  'chunks-incomplete': say(chunks('a', 50_000).slice(-1)),
  'chunks-mismatched': say(
    encodeChunks(
      'a',
      concatBytes([encodePacket(publish('a', Buffer.alloc(24_000)), 5), Buffer.from('c000', 'hex')]),
    ),
  ),
  'frame-too-costly': send(Array.from({ length: 2_001 }, (): Packet => ({ cmd: 'pingreq' }))),
  'not-one-way': async (suite) => {
    const client = await suite.connect();
    client.sendMessage(encodeOneWay(encodePacket({ cmd: 'pingreq' } as never, 5)));
    await client.closed;
  },

  'topic-empty': send(['3003000000'], { protocolVersion: 4 }),
  'topic-wildcard': send([publish('a/+', 'x')]),
  'topic-too-long': send([publish('x'.repeat(1_200), 'x')]),
  'topic-too-deep': send([publish(deep(), 'x')]),
  'filter-empty': send([subscribe(1, '')]),
  'filter-wildcard-placement': send([subscribe(1, 'a#')]),
  'filter-too-long': send([subscribe(1, 'x'.repeat(1_200))]),
  'filter-too-deep': send([subscribe(1, deep())]),
  'share-name-empty': send([subscribe(1, '$share//a')]),
  'share-name-wildcard': send([subscribe(1, '$share/+/a')]),
  'share-filter-missing': send([subscribe(1, '$share/a')]),
  'response-topic-invalid': send([publish('a', 'x', { properties: { responseTopic: 'a/#' } })]),
  'topic-alias-invalid': send([publish('a', 'x', { properties: { topicAlias: 60_000 } })]),
  'topic-alias-unknown': send([publish('', 'x', { properties: { topicAlias: 3 } })]),

  'profile-not-offered': async ({ service }) => {
    const socket = new WebSocket(service.url, ['mqtt']);
    await new Promise((resolve) => socket.on('error', resolve));
  },
  'client-id-empty': connect({ clientId: '', clean: false, protocolVersion: 4 }, withoutClientId),
  'client-id-too-long': connect({ clientId: 'ü'.repeat(129) }),
  'client-id-not-granted': connect({
    clientId: 'mine',
    claims: { mqtt: { clientId: 'theirs', publish: [], subscribe: [] } },
  }),
  'client-id-taken': async (suite) => {
    await suite.connect({ clientId: 'owned', claims: { sub: 'anna' } });
    await connect({ clientId: 'owned', claims: { sub: 'bert' } })(suite);
  },
  'will-not-authorized': connect({ ...few, will }),
  'session-busy': connect({ clientId: 'busy' }),
  'client-banned': async (suite) => {
    await fetch(`${suite.service.adminUrl}/tenants/${suite.mint.tenant}/client/ban?clientId=rogue`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seconds: 60 }),
    });
    await connect({ clientId: 'rogue' })(suite);
  },
  'too-many-connections': connect(async (suite) => {
    const { fields } = await tenantOf(suite, {}, { quotas: { connections: 1 } });
    await suite.connect(await fields());
    return fields();
  }),
  'connect-rate': async (suite) => {
    for (let index = 0; index <= defaultSettings.connectsPerMinutePerClient; index += 1)
      await connect({ clientId: 'flap' })(suite);
  },
  'tenant-connect-rate': connect(async (suite) =>
    (await tenantOf(suite, {}, { quotas: { packetsPerSecond: 0 } })).fields(),
  ),
  'session-taken-over': async (suite) => {
    await suite.connect({ clientId: 'twice' });
    await suite.connect({ clientId: 'twice' });
  },
  'connack-too-large': connect({ properties: { maximumPacketSize: 12 } }),
  'session-expiry-raised': send([
    { cmd: 'disconnect', reasonCode: 0, properties: { sessionExpiryInterval: 60 } },
  ]),
  'too-many-filters': send([subscribe(1, ...Array.from({ length: 101 }, (_, index) => `f${index}`))]),
  'subscribe-not-authorized': send([subscribe(1, 'other')], few),
  'subscriptions-full': send([subscribe(1, 'a', 'b')], quotas({ subscriptionsPerClient: 1 })),
  'shapes-full': inTenant({ shapes: 1, shapesPerClient: 8 }, subscribe(1, 'a/+', '+/b')),
  'client-shapes-full': send([subscribe(1, 'a/+', '+/b/+')], quotas({ shapesPerClient: 1 })),
  'receive-maximum-exceeded': send(
    Array.from({ length: 1_100 }, (_, index) => publish('a', '', { qos: 2, messageId: index + 1 })),
  ),
  'keep-alive-timeout': async (suite) => {
    const client = await suite.connect({ keepalive: 10 });
    await suite.advance(120);
    await client.closed;
  },
  'client-disconnected': async (suite) => {
    await suite.connect({ clientId: 'kicked' });
    const { adminUrl } = suite.service;
    await fetch(`${adminUrl}/tenants/${suite.mint.tenant}/client/disconnect?clientId=kicked`, {
      method: 'POST',
    });
  },

  'publish-not-authorized': send([publish('other', 'x')], few),
  'publish-rate': inTenant({ publishesPerSecond: 0 }, ...burst(1)),
  'client-publish-rate': send(burst(11), quotas({ publishesPerSecondPerClient: 1 })),
  'delivery-rate': async (suite) => {
    const { fields } = await tenantOf(suite, {}, { quotas: { deliveriesPerSecond: 1 } });
    const client = await suite.connect(await fields());
    await client.send(subscribe(1, 'a'));
    for (let round = 0; round < 3; round += 1) await client.exchange(...burst(20));
  },
  'packet-rate': async (suite) => {
    const { fields } = await tenantOf(suite, {}, { quotas: { packetsPerSecond: 1 } });
    const client = await suite.connect(await fields());
    await client.exchange(subscribe(1, ...Array.from({ length: 60 }, (_, index) => `f${index}`)));
  },
  'client-packet-rate': send(
    [subscribe(1, ...Array.from({ length: 60 }, (_, index) => `f${index}`))],
    quotas({ packetsPerSecondPerClient: 1 }),
  ),
  'matches-too-many': async (suite) => {
    const { fields } = await tenantOf(suite, {}, { quotas: { shapesPerClient: 64 } });
    const client = await suite.connect(await fields());
    const filters = Array.from({ length: 64 }, (_, bits) =>
      Array.from({ length: 6 }, (__, level) => ((bits >> level) & 1 ? 'x' : '+')).join('/'),
    );
    await client.send(subscribe(1, ...filters));
    await client.exchange(...Array.from({ length: 300 }, (_, n) => qos1(`a/b/c/d/e/${n}`, '', n + 1)));
  },
  'retained-full': inTenant(
    { retainedMessages: 0 },
    publish('a', 'x', { qos: 1, messageId: 1, retain: true }),
  ),

  'message-expired': async (suite) => {
    const clientId = await sleeper(suite, 'expires', { clientId: 'expired' });
    const properties = { messageExpiryInterval: 10 };
    await (await publisher(suite)).send(publish('expires', 'x', { qos: 1, messageId: 1, properties }));
    await suite.advance(60);
    await suite.connect({ ...kept, clientId });
  },
  'message-overdue': async (suite) => {
    const fields = { clientId: 'overdue', ...quotas({ queueSeconds: 30 }) };
    await sleeper(suite, 'overdue', fields);
    await (await publisher(suite)).send(qos1('overdue'));
    await suite.advance(60);
    await suite.connect({ ...kept, ...fields });
  },
  'client-unreachable': async (suite) => {
    const subscriber = await suite.connect();
    await subscriber.send(subscribe(1, 'gone'));
    await suite.cut(subscriber, 'silently');
    await (await publisher(suite)).send(publish('gone', 'x'));
  },
  'client-offline': async (suite) => {
    await sleeper(suite, 'offline', { clientId: 'offline' }, 0);
    await (await publisher(suite)).send(publish('offline', 'x'));
  },
  'client-queue-full': async (suite) => {
    await sleeper(suite, 'full', { clientId: 'full', ...quotas({ queuedMessages: 10 }) });
    await (await publisher(suite)).send(
      ...Array.from({ length: 11 }, (_, index) => qos1('full', 'x', index + 1)),
    );
  },
  'client-packet-too-large': async (suite) => {
    const small = await suite.connect({ properties: { maximumPacketSize: 100 } });
    await small.send(subscribe(1, 'large'));
    await (await publisher(suite)).send(publish('large', 'x'.repeat(200)));
  },
  'message-rules-full': async (suite) => {
    const { name, fields } = await tenantOf(suite, {});
    for (let index = 0; index < 9; index += 1)
      await putRule(
        suite.service.service.context,
        vouchedTenantId(name),
        ruleOf(`r${index}`, { filter: index < 5 ? 'orders/+' : 'orders/#' }),
      );
    await (await suite.connect(await fields())).send(publish('orders/1', 'x'));
  },
  'rule-delivery-rate': async (suite) => {
    const { name, fields } = await tenantOf(suite, {}, { quotas: { ruleDeliveriesPerSecond: 1 } });
    await putRule(suite.service.service.context, vouchedTenantId(name), ruleOf('r'));
    const client = await suite.connect(await fields());
    for (let round = 0; round < 3; round += 1)
      await client.exchange(...Array.from({ length: 20 }, (_, n) => qos1('orders/1', 'x', n + 1)));
  },
  'item-format': async (suite) => {
    const damaged = await suite.connect({ clientId: 'damaged' });
    await damaged.send(subscribe(1, { topic: 'damaged', qos: 1 }));
    await (await publisher(suite)).send(qos1('damaged'));
  },
  'connect-late': async (suite) => {
    const silent = await suite.open();
    await suite.advance(60);
    await silent.closed;
  },

  'not-found': request('GET', '/rules/r/none'),
  method: request('GET', '/publish/a'),
  'client-id': request('POST', `/publish/a?clientId=${'x'.repeat(300)}`),
  parameter: request('POST', '/publish/a?qos=9'),
  body: request('POST', '/publish', '{'),
  'content-type': request('POST', '/publish', 'x', {}, 'text/plain'),
  'topic-ill-formed': request('POST', '/publish', { messages: [{ topic: 'a\ud800' }] }),
  'topic-null-character': request('POST', '/publish/a%00b'),
  'rules-not-granted': request('GET', '/rules/r', undefined, {}),
  'rule-name': ownRule({}, 'NOT A NAME'),
  'rule-filter': ownRule({ filter: '$share/a/b' }),
  'rule-pattern': ownRule({ where: '{' }),
  'rule-template': ownRule({ send: { form: 'template', template: '{"a": <b}' } }),
  // Each backslash is two bytes in the row.
  'rule-too-large': ownRule({
    send: { form: 'template', template: `"${'\\'.repeat(4_000)}"` },
    target: { kind: 'webhook', url: `https://example.com/${'x'.repeat(900)}` },
  }),
  'rule-target-not-granted': ownRule({ target: { kind: 'republish', topic: 'a' } }),
  'rule-filter-not-granted': ownRule({}, 'r', { subscribe: [] }),
  'rule-unknown': request('GET', '/rules/none', undefined, ruler),
  'rule-secret-unknown': async (suite) => {
    await ownRule({}, 'whole')(suite);
    await request('DELETE', '/rules/whole/secret/previous', undefined, ruler)(suite);
  },
  'rule-name-taken': async (suite) => {
    await ownRule({}, 'taken')(suite);
    await request('PUT', '/rules/taken', ruleBody, { ...ruler, sub: 'bert' })(suite);
  },
  'rule-paused-by-operator': async (suite) => {
    await ownRule({}, 'paused')(suite);
    const { adminUrl } = suite.service;
    await fetch(`${adminUrl}/tenants/${suite.mint.tenant}/rules/paused/pause`, { method: 'POST' });
    await ownRule({ status: 'active' }, 'paused')(suite);
  },
  'rules-of-owner-full': async (suite) => {
    const { name, token } = await tenantOf(suite, {}, { quotas: { rulesPerOwner: 0 } });
    await request('PUT', `/rules/r?tenant=${name}`, ruleBody, ruler, 'application/json', token)(suite);
  },
  'rules-full': async (suite) => {
    const { name, token } = await tenantOf(suite, {}, { quotas: { rules: 0 } });
    await request('PUT', `/rules/r?tenant=${name}`, ruleBody, ruler, 'application/json', token)(suite);
  },
} satisfies Partial<Record<ReasonName, Drive>>;
