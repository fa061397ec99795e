// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders of grants look like this
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Identity,
  type IssuerConfig,
  isAuthError,
  mayPublish,
  maySubscribe,
  parseTenantConfig,
  resolvePermissions,
} from '../../lib/auth/index.ts';
import { outcome, Provider, verifierOf } from './issuers.ts';
import { keyPair, nowSeconds, type Signer, sign, tenant } from './tokens.ts';

/**
 * Tokens in the form that these providers document, claim by claim, with invented names and
 * numbers.
 */
let signer: Signer;
let provider: Provider;
beforeAll(async () => {
  signer = await keyPair('RS256', 'NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg');
});
beforeEach(() => {
  provider = new Provider();
  provider.publish(signer);
});

type Claims = Readonly<Record<string, unknown>>;
const times = { iat: nowSeconds, exp: nowSeconds + 3_600 };

/** An issuer as an operator writes it, after validation. */
function checked(issuer: IssuerConfig): IssuerConfig {
  const [parsed] = parseTenantConfig(JSON.parse(JSON.stringify(tenant([issuer])))).issuers;
  if (parsed === undefined) throw new Error('no issuer');
  expect(parsed).toEqual(issuer);
  return parsed;
}

function setUp(issuer: IssuerConfig, claims: Claims, header: Record<string, unknown>) {
  const { verify } = verifierOf([checked(issuer)], provider);
  const mint = (changes: Claims = {}) => sign(signer, { ...claims, ...changes }, { typ: 'JWT', ...header });
  return {
    outcomeWith: async (changes: Claims) => outcome(verify(await mint(changes))),
    async identity(changes: Claims = {}): Promise<Identity> {
      const result = await verify(await mint(changes));
      if (isAuthError(result)) throw new Error(result.code);
      return result;
    },
  };
}

describe('Auth0', () => {
  const issuer: IssuerConfig = {
    iss: 'https://acme.eu.auth0.com/',
    audience: 'https://mqtt.acme.example',
    keys: { kind: 'jwks-url', url: 'https://acme.eu.auth0.com/.well-known/jwks.json' },
    claimMapping: {
      clientId: 'https://mqtt.acme.example/client_id',
      publish: 'https://mqtt.acme.example/publish',
      subscribe: 'https://mqtt.acme.example/subscribe',
    },
    defaultGrants: { subscribe: ['news/#'] },
  };
  const claims = {
    'https://mqtt.acme.example/client_id': 'sensor-7',
    'https://mqtt.acme.example/publish': ['sensors/${clientId}/#'],
    'https://mqtt.acme.example/subscribe': ['commands/${clientId}'],
    iss: 'https://acme.eu.auth0.com/',
    sub: 'auth0|6553da60a54af58e29493993',
    aud: ['https://mqtt.acme.example', 'https://acme.eu.auth0.com/userinfo'],
    ...times,
    azp: 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja',
    scope: 'openid profile email',
    permissions: ['read:messages'],
  };

  it('user tokens: RS256, a list of audiences, namespaced custom claims', async () => {
    const { identity } = setUp(issuer, claims, {});
    const found = await identity();
    expect(found).toMatchObject({
      tenant: 'acme',
      subject: 'auth0|6553da60a54af58e29493993',
      clientId: 'sensor-7',
    });
    expect(mayPublish(resolvePermissions(found), 'sensors/sensor-7/t', 1, false)).toBe(true);
    expect(mayPublish(resolvePermissions(found), 'sensors/sensor-8/t', 1, false)).toBe(false);
    expect(maySubscribe(resolvePermissions(found), 'commands/sensor-7', 1)).toBe(true);
    expect(maySubscribe(resolvePermissions(found), 'news/today', 1)).toBe(false);
  });

  it('tokens without the custom claims have the default grants, but need the client id', async () => {
    const { identity, outcomeWith } = setUp(issuer, claims, {});
    const bare = {
      'https://mqtt.acme.example/publish': undefined,
      'https://mqtt.acme.example/subscribe': undefined,
    };
    expect(maySubscribe(resolvePermissions(await identity(bare)), 'news/#', 0)).toBe(true);
    expect(await outcomeWith({ 'https://mqtt.acme.example/client_id': undefined })).toBe('claims-malformed');
    expect(await outcomeWith({ 'https://mqtt.acme.example/client_id': ['a'] })).toBe('claims-malformed');
    expect(await outcomeWith({ aud: 'https://acme.eu.auth0.com/userinfo' })).toBe('token-audience');
  });

  it('machine-to-machine tokens of the RFC 9068 profile', async () => {
    const machine: IssuerConfig = {
      iss: issuer.iss ?? '',
      audience: 'https://mqtt.acme.example',
      keys: issuer.keys,
      requiredClaims: { client_id: 'awZfdIir8YFdGZWkvCejDoUb7SjTDicx' },
      defaultGrants: { publish: ['machines/${sub}/#'] },
    };
    const { identity, outcomeWith } = setUp(
      machine,
      {
        iss: 'https://acme.eu.auth0.com/',
        sub: 'awZfdIir8YFdGZWkvCejDoUb7SjTDicx@clients',
        aud: 'https://mqtt.acme.example',
        ...times,
        scope: 'publish',
        jti: 'cb1Zs3hxdk3mBzXD3Gb9zD',
        client_id: 'awZfdIir8YFdGZWkvCejDoUb7SjTDicx',
      },
      { typ: 'at+jwt' },
    );
    const topic = 'machines/awZfdIir8YFdGZWkvCejDoUb7SjTDicx@clients/state';
    expect(mayPublish(resolvePermissions(await identity()), topic, 0, false)).toBe(true);
    expect(await outcomeWith({ client_id: 'another' })).toBe('token-claim');
  });
});

describe('Cognito', () => {
  const iss = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE';
  const sub = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee';
  const keys = { kind: 'jwks-url', url: `${iss}/.well-known/jwks.json` } as const;
  const roleGrants = {
    claim: 'cognito:groups',
    grants: { operators: { publish: ['commands/#'], subscribe: ['#'] }, readers: { subscribe: ['state/#'] } },
  };

  it('access tokens: no audience, but token_use and client_id; grants by group', async () => {
    const issuer: IssuerConfig = {
      iss,
      keys,
      requiredClaims: { token_use: 'access', client_id: ['1example23456789', '2example23456789'] },
      roleGrants,
      defaultGrants: { subscribe: ['users/${sub}/#', 'names/${username}'] },
    };
    const claims = {
      sub,
      device_key: 'eu-central-1_aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['operators'],
      iss,
      version: 2,
      client_id: '1example23456789',
      origin_jti: sub,
      event_id: sub,
      token_use: 'access',
      scope: 'phone openid profile email',
      auth_time: nowSeconds,
      ...times,
      jti: sub,
      username: 'my-test-user',
      aud: undefined,
    };
    const { identity, outcomeWith } = setUp(issuer, claims, {});
    const operator = await identity();
    expect(operator).toMatchObject({ subject: sub, username: 'my-test-user' });
    expect(mayPublish(resolvePermissions(operator), 'commands/x', 0, false)).toBe(true);
    expect(maySubscribe(resolvePermissions(operator), 'state/x', 0)).toBe(true);

    const reader = resolvePermissions(
      await identity({ 'cognito:groups': ['readers', 'others', '__proto__'] }),
    );
    expect(maySubscribe(reader, 'state/x', 0)).toBe(true);
    expect(mayPublish(reader, 'commands/x', 0, false)).toBe(false);
    expect(maySubscribe(reader, `users/${sub}/x`, 0)).toBe(false);

    for (const groups of [undefined, [], ['others'], 'other']) {
      const nobody = resolvePermissions(await identity({ 'cognito:groups': groups }));
      expect(maySubscribe(nobody, `users/${sub}/x`, 0)).toBe(true);
      expect(maySubscribe(nobody, 'names/my-test-user', 0)).toBe(true);
      expect(maySubscribe(nobody, 'users/somebody-else/x', 0)).toBe(false);
    }
    for (const groups of [{ operators: true }, 7, null])
      expect(await outcomeWith({ 'cognito:groups': groups })).toBe('claims-malformed');
    expect(await outcomeWith({ token_use: 'id' })).toBe('token-claim');
    expect(await outcomeWith({ client_id: 'of-another-app' })).toBe('token-claim');
    expect(await outcomeWith({ client_id: undefined })).toBe('token-claim');
    expect(await outcomeWith({ iss: `${iss}2` })).toBe('token-key-unknown');
  });

  it('identity tokens: the app client is the audience', async () => {
    const issuer: IssuerConfig = {
      iss,
      audience: '1example23456789',
      keys,
      claimMapping: { clientId: 'custom:device', username: 'cognito:username', tenant: 'custom:tenant' },
      requiredClaims: { token_use: 'id', email_verified: true },
      roleGrants,
      defaultGrants: { publish: ['devices/${clientId}/#', 'people/${username}/+'] },
    };
    const claims = {
      sub,
      'cognito:groups': ['test-group-a'],
      'cognito:preferred_role': 'arn:aws:iam::111122223333:role/my-test-role',
      'cognito:roles': ['arn:aws:iam::111122223333:role/my-test-role'],
      'cognito:username': 'janedoe',
      'custom:device': 'thermostat-1',
      'custom:tenant': 'acme',
      email_verified: true,
      iss,
      origin_jti: sub,
      aud: '1example23456789',
      event_id: sub,
      token_use: 'id',
      auth_time: nowSeconds,
      ...times,
      jti: sub,
      email: 'my-test-user@example.com',
    };
    const { identity, outcomeWith } = setUp(issuer, claims, {});
    const found = await identity();
    expect(found).toMatchObject({ clientId: 'thermostat-1', username: 'janedoe' });
    expect(mayPublish(resolvePermissions(found), 'devices/thermostat-1/t', 0, false)).toBe(true);
    expect(mayPublish(resolvePermissions(found), 'people/janedoe/t', 0, false)).toBe(true);
    expect(await outcomeWith({ email_verified: false })).toBe('token-claim');
    expect(await outcomeWith({ email_verified: 'true' })).toBe('token-claim');
    for (const other of ['other', undefined, ['acme'], 'ACME']) {
      expect(await outcomeWith({ 'custom:tenant': other })).toBe('token-tenant');
    }
  });
});

describe('Keycloak', () => {
  const iss = 'https://keycloak.example.com/realms/acme';
  const issuer: IssuerConfig = {
    iss,
    audience: ['wisp'],
    keys: { kind: 'jwks-url', url: `${iss}/protocol/openid-connect/certs` },
    clockToleranceSeconds: 5,
    claimMapping: { clientId: 'azp', username: 'preferred_username' },
    requiredClaims: { typ: 'Bearer', '/realm_access/roles': 'mqtt' },
    roleGrants: {
      claim: '/resource_access/wisp/roles',
      grants: { device: { publish: ['up/${clientId}/#'], subscribe: ['down/${clientId}/#'] } },
    },
  };
  const claims = {
    ...times,
    jti: 'trrtcc:b1d2f6a3-8c7e-4c55-9a65-6a2f5f5f1c11',
    iss,
    aud: ['wisp', 'account'],
    sub: '36fa0f91-f94d-4a0c-afed-6b7d952e47da',
    typ: 'Bearer',
    azp: 'press-3',
    session_state: '2a88c258-f73a-4103-b862-e1fbd8f4e04e',
    acr: '1',
    'allowed-origins': ['/*'],
    realm_access: { roles: ['default-roles-acme', 'offline_access', 'uma_authorization', 'mqtt'] },
    resource_access: { wisp: { roles: ['device'] }, account: { roles: ['manage-account', 'view-profile'] } },
    scope: 'profile email',
    sid: '2a88c258-f73a-4103-b862-e1fbd8f4e04e',
    email_verified: false,
    clientHost: '192.0.2.7',
    preferred_username: 'service-account-press-3',
    clientAddress: '192.0.2.7',
    client_id: 'press-3',
  };

  it('access tokens: roles of the realm required, roles of the client grant, azp is the client id', async () => {
    const { identity, outcomeWith } = setUp(issuer, claims, {});
    const found = await identity();
    expect(found).toMatchObject({ clientId: 'press-3', username: 'service-account-press-3' });
    expect(mayPublish(resolvePermissions(found), 'up/press-3/pressure', 0, false)).toBe(true);
    expect(maySubscribe(resolvePermissions(found), 'down/press-3/#', 0)).toBe(true);
    expect(maySubscribe(resolvePermissions(found), 'down/press-4/#', 0)).toBe(false);
    expect(
      resolvePermissions(await identity({ resource_access: { account: { roles: ['device'] } } })),
    ).toEqual([]);
    expect(await outcomeWith({ realm_access: { roles: ['offline_access'] } })).toBe('token-claim');
    expect(await outcomeWith({ realm_access: 'mqtt' })).toBe('token-claim');
    expect(await outcomeWith({ realm_access: null })).toBe('token-claim');
    expect(await outcomeWith({ typ: 'ID' })).toBe('token-claim');
    expect(await outcomeWith({ typ: 'Refresh' })).toBe('token-claim');
    expect(await outcomeWith({ aud: 'account' })).toBe('token-audience');
    expect(await outcomeWith({ azp: undefined })).toBe('claims-malformed');
  });
});

describe('Firebase', () => {
  const issuer: IssuerConfig = {
    iss: 'https://securetoken.google.com/acme-prod',
    audience: 'acme-prod',
    keys: {
      kind: 'jwks-url',
      url: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    },
    claimMapping: { clientId: 'user_id', publish: 'topics' },
    requiredClaims: { '/firebase/sign_in_provider': ['password', 'google.com'] },
    defaultGrants: { publish: ['users/${sub}/out'], subscribe: ['users/${sub}/in'] },
  };
  const uid = 'FEyPFMtyFWZrBXoYHF8PUKoCjD83';
  const claims = {
    name: 'Jane Doe',
    iss: 'https://securetoken.google.com/acme-prod',
    aud: 'acme-prod',
    auth_time: nowSeconds,
    user_id: uid,
    sub: uid,
    ...times,
    email: 'jane@example.com',
    email_verified: true,
    firebase: { identities: { email: ['jane@example.com'] }, sign_in_provider: 'password' },
  };

  it('identity tokens: the project in iss and aud, the user as client, the way of signing in', async () => {
    const { identity, outcomeWith } = setUp(issuer, claims, {});
    const found = await identity();
    expect(found).toMatchObject({ clientId: uid, subject: uid });
    expect(mayPublish(resolvePermissions(found), `users/${uid}/out`, 0, false)).toBe(true);
    expect(maySubscribe(resolvePermissions(found), `users/${uid}/in`, 0)).toBe(true);
    expect(maySubscribe(resolvePermissions(found), 'users/+/in', 0)).toBe(false);
    // A custom claim of one filter, as text.
    const custom = resolvePermissions(await identity({ topics: 'shared/${clientId}' }));
    expect(mayPublish(custom, `shared/${uid}`, 0, false)).toBe(true);
    expect(mayPublish(custom, `users/${uid}/out`, 0, false)).toBe(false);
    expect(await outcomeWith({ topics: [5] })).toBe('claims-malformed');
    const anonymous = {
      provider_id: 'anonymous',
      firebase: { identities: {}, sign_in_provider: 'anonymous' },
    };
    expect(await outcomeWith(anonymous)).toBe('token-claim');
  });

  it('tokens of other projects have the same keys and are refused', async () => {
    const { outcomeWith } = setUp(issuer, claims, {});
    const other = { iss: 'https://securetoken.google.com/evil', aud: 'evil' };
    expect(await outcomeWith(other)).toBe('token-key-unknown');
    expect(await outcomeWith({ aud: 'evil' })).toBe('token-audience');
  });
});
