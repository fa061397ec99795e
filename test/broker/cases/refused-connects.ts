import { generateKeyPair, SignJWT } from 'jose';
import type { Ports } from '../../../lib/core/ports.ts';
import type { ConnectPacket } from '../../../lib/mqtt/types.ts';
import type { Sendable } from '../../support/raw-client.ts';
import type { Mint } from '../../support/service.ts';
import { withoutClientId } from '../packets.ts';
import type { ConnectFields } from '../suite.ts';

/**
 * A CONNECT that must be refused: with CONNACK, or with the close alone where the version has no
 * code.
 */
export interface RefusedConnect {
  readonly name: string;
  readonly fields: (mint: Mint, other: Mint) => Promise<ConnectFields> | ConnectFields;
  /** Bytes that are sent instead of the packet. */
  readonly change?: (packet: ConnectPacket) => Sendable;
  /** Reason code in 5.0; absent: the case does not exist there. */
  readonly v5?: number;
  /** Return code in 3.1 and 3.1.1. */
  readonly v3?: number | 'close';
  /** The earlier versions in which the case exists; default: both. */
  readonly only?: readonly (3 | 4)[];
}

/** The session of the client `busy` is opened by others all the time: see the case below. */
export function withBusySession(sessions: Ports['sessions']): Ports['sessions'] {
  return {
    ...sessions,
    replace: async (session, previous) =>
      session.clientId === 'busy' ? false : sessions.replace(session, previous),
  };
}

const withoutToken = ({ username: _, password: __, ...packet }: ConnectPacket): ConnectPacket => packet;
const will = { topic: 'will', payload: Buffer.from('gone'), qos: 0, retain: false } as const;

export const refusedConnects: readonly RefusedConnect[] = [
  {
    name: 'no user name and no password [MQTT-3.1.4-2 v5, MQTT-3.2.2-7 v5]',
    fields: () => ({}),
    change: withoutToken,
    v5: 0x87,
    v3: 5,
  },
  { name: 'a password that is not a token', fields: () => ({ token: 'swordfish' }), v5: 0x86, v3: 4 },
  { name: 'an empty password', fields: () => ({ token: '' }), v5: 0x87, v3: 5 },
  {
    name: 'a token with the signature of another key',
    fields: async (mint) => ({ token: await forged(mint.tenant) }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'a token with another signature',
    fields: async (mint) => ({ token: (await mint()).replace(/\.[^.]*$/, `.${'A'.repeat(86)}`) }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'the token of another tenant',
    fields: async (mint, other) => ({ username: mint.tenant, token: await other() }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'the name of another tenant',
    fields: async (mint, other) => ({ username: other.tenant, token: await mint() }),
    v5: 0x86,
    v3: 4,
  },
  { name: 'a tenant that does not exist', fields: () => ({ username: 'nobody' }), v5: 0x86, v3: 4 },
  { name: 'a user name that no tenant can have', fields: () => ({ username: 'a/b#' }), v5: 0x86, v3: 4 },
  {
    name: 'a token without a signature',
    fields: (mint) => ({ token: unsigned(mint.tenant, 'none', '') }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'a token with the algorithm none and a signature',
    fields: (mint) => ({ token: unsigned(mint.tenant, 'none', 'AAAA') }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'a token with an algorithm that the key does not have',
    fields: (mint) => ({ token: unsigned(mint.tenant, 'HS256', 'AAAA') }),
    v5: 0x86,
    v3: 4,
  },
  {
    name: 'an expired token',
    fields: () => ({ claims: { exp: Date.UTC(2025, 0) / 1000 } }),
    v5: 0x87,
    v3: 5,
  },
  {
    name: 'a token that is not valid yet',
    fields: () => ({ claims: { nbf: Date.UTC(2040, 0) / 1000 } }),
    v5: 0x87,
    v3: 5,
  },
  {
    name: 'a token with malformed claims',
    fields: () => ({ claims: { mqtt: { publish: 'everything' } } }),
    v5: 0x87,
    v3: 5,
  },
  {
    name: 'a token for another client identifier [MQTT-3.1.3-8 v5, MQTT-3.1.3-9 v3]',
    fields: () => ({
      clientId: 'mine',
      claims: { mqtt: { clientId: 'theirs', publish: [], subscribe: [] } },
    }),
    v5: 0x85,
    v3: 2,
  },
  {
    name: 'a client identifier of more than 256 bytes',
    fields: () => ({ clientId: 'ü'.repeat(129) }),
    v5: 0x85,
    v3: 2,
  },
  {
    name: 'no client identifier in MQTT 3.1',
    fields: () => ({ clientId: '' }),
    change: withoutClientId,
    v3: 2,
    only: [3],
  },
  {
    name: 'no client identifier and Clean Session 0 [MQTT-3.1.3-8 v3]',
    fields: () => ({ clientId: '', clean: false }),
    change: withoutClientId,
    v3: 2,
    only: [4],
  },
  {
    name: 'a Will for a topic name with a wildcard [MQTT-3.2.2-6 v3]',
    fields: () => ({ will: { ...will, topic: 'will/+' } }),
    v5: 0x90,
    v3: 'close',
  },
  {
    name: 'a Will for a topic that the token does not allow',
    fields: () => ({ will, claims: { mqtt: { publish: ['other'], subscribe: ['#'] } } }),
    v5: 0x87,
    v3: 5,
  },
  {
    name: 'a Will for a topic of the server',
    fields: () => ({ will: { ...will, topic: '$SYS/will' } }),
    v5: 0x87,
    v3: 5,
  },
  {
    name: 'an unknown authentication method [MQTT-4.12.0-1 v5]',
    fields: () => ({ properties: { authenticationMethod: 'SCRAM-SHA-1' } }),
    v5: 0x8c,
  },
  {
    name: 'authentication data that are no token',
    fields: () => ({
      properties: { authenticationMethod: 'wisp-jwt', authenticationData: Buffer.from('swordfish') },
    }),
    v5: 0x86,
  },
  { name: 'a session that others open all the time', fields: () => ({ clientId: 'busy' }), v5: 0x89, v3: 3 },
];

/** A token in the tenant's name with a key of its own. */
export async function forged(tenant: string): Promise<string> {
  const { privateKey } = await generateKeyPair('ES256');
  return new SignJWT({ mqtt: { publish: ['#'], subscribe: ['#'] } })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(`wisp:${tenant}`)
    .setAudience('wisp')
    .sign(privateKey);
}

export function unsigned(tenant: string, alg: string, signature: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: `wisp:${tenant}`, aud: 'wisp', mqtt: { publish: ['#'], subscribe: ['#'] } };
  return `${part({ alg })}.${part(claims)}.${signature}`;
}
