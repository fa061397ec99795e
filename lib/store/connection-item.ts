import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Connection, ConnectionAddress, ProtocolVersion } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import type { ClientQuotas } from '../core/quotas.ts';
import type { TokenState } from '../core/store-ports/connections.ts';
import {
  flag,
  type Item,
  item,
  json,
  known,
  N,
  number,
  optional,
  optionalNumber,
  optionalString,
  S,
  storedTenant,
  string,
  version,
} from './attributes.ts';

/** API Gateway closes a connection after 2 hours. An hour later no handler can need the row. */
export const connectionTtlSeconds = 3 * 3600;

export function connectionKey(address: ConnectionAddress): Item {
  return { address: S(address) };
}

export function connectionItem(connection: Connection): Item {
  return {
    ...connectionKey(connection.address),
    v: version,
    ...item({
      tenant: S(connection.tenant),
      id: S(connection.clientId),
      protocol: N(connection.protocolVersion),
      generation: S(connection.generation),
      keepAlive: N(connection.keepAliveSeconds),
      ...tokenAttributes(connection),
      username: optional(connection.username, S),
      maxBytes: optional(connection.clientMaxPacketBytes, N),
      outAliases: N(connection.clientTopicAliasMaximum),
      problemInfo: { BOOL: connection.requestProblemInformation },
      expiry: N(connection.sessionExpirySeconds),
      method: optional(connection.authenticationMethod, S),
      connected: N(connection.connectedAtMs),
      aliases: {
        M: Object.fromEntries(
          Object.entries(connection.topicAliases).map(([alias, topic]) => [alias, S(topic)]),
        ),
      },
    }),
  };
}

export function tokenAttributes(token: TokenState): Record<string, AttributeValue | undefined> {
  return {
    permissions: S(JSON.stringify(token.permissions)),
    tokenExpires: optional(token.tokenExpiresAtSeconds, N),
    subject: optional(token.subject, S),
    tokenId: optional(token.tokenId, S),
    tokenIssued: optional(token.tokenIssuedAtSeconds, N),
    quotas: optional(token.quotas, (quotas) => S(JSON.stringify(quotas))),
    revocationsSeen: optional(token.revocationsSeenMs, N),
  };
}

export function connectionFrom(stored: Item): Connection {
  known(stored);
  const aliases = Object.entries(stored.aliases?.M ?? {}).map(([alias, topic]) => [alias, topic.S ?? '']);
  const tokenExpiresAtSeconds = optionalNumber(stored, 'tokenExpires');
  const subject = optionalString(stored, 'subject');
  const tokenId = optionalString(stored, 'tokenId');
  const tokenIssuedAtSeconds = optionalNumber(stored, 'tokenIssued');
  const revocationsSeenMs = optionalNumber(stored, 'revocationsSeen');
  const rateMessages = optionalNumber(stored, 'rateMessages');
  const username = optionalString(stored, 'username');
  const clientMaxPacketBytes = optionalNumber(stored, 'maxBytes');
  const authenticationMethod = optionalString(stored, 'method');
  return {
    address: string(stored, 'address') as ConnectionAddress,
    tenant: storedTenant(string(stored, 'tenant'), 'tenant'),
    clientId: string(stored, 'id'),
    protocolVersion: number(stored, 'protocol') as ProtocolVersion,
    generation: string(stored, 'generation'),
    keepAliveSeconds: number(stored, 'keepAlive'),
    permissions: json(stored, 'permissions') as Permissions,
    clientTopicAliasMaximum: number(stored, 'outAliases'),
    requestProblemInformation: flag(stored, 'problemInfo'),
    sessionExpirySeconds: number(stored, 'expiry'),
    connectedAtMs: number(stored, 'connected'),
    topicAliases: Object.fromEntries(aliases) as Record<number, string>,
    ...(tokenExpiresAtSeconds === undefined ? {} : { tokenExpiresAtSeconds }),
    ...(subject === undefined ? {} : { subject }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(tokenIssuedAtSeconds === undefined ? {} : { tokenIssuedAtSeconds }),
    ...(revocationsSeenMs === undefined ? {} : { revocationsSeenMs }),
    ...(stored.quotas === undefined ? {} : { quotas: json(stored, 'quotas') as ClientQuotas }),
    ...(rateMessages === undefined
      ? {}
      : { rateUse: { messagesUntilMs: rateMessages, bytesUntilMs: number(stored, 'rateBytes') } }),
    ...(username === undefined ? {} : { username }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
  };
}
