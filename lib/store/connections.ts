import { randomUUID } from 'node:crypto';
import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Connection, ConnectionAddress, ProtocolVersion } from '../core/model.ts';
import type { Identity, Permissions } from '../core/permissions.ts';
import type { ClientQuotas } from '../core/quotas.ts';
import type { ConnectionStore, PeerState, TokenState } from '../core/store-ports.ts';
import type { TenantId } from '../core/tenant-id.ts';
import {
  B,
  bytes,
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
import { getBatch, Table } from './table.ts';
import { type LiveTenantTable, liveFrom } from './tenant-live.ts';

/** API Gateway ends a connection after 2 hours; an hour more, and the row is nobody's. */
const connectionTtlSeconds = 3 * 3600;
/** Chunks of a packet are put together within seconds. Deleting them by TTL is free; deleting 24 KB is not. */
const chunkTtlSeconds = 3600;
const maxKnownTenants = 50_000;

/**
 * Table Connections: address → the connection's row, or (`pending`) the identity of a handshake token until
 * CONNECT comes. Chunks of larger packets lie beside it under address + `~` + id + index.
 */
export function connectionStore(
  client: DynamoDBClient,
  tableName: string,
  tenants: LiveTenantTable,
  nowMs: () => number,
): ConnectionStore {
  const table = new Table(client, tableName);
  /** An address never changes its tenant, so this needs no expiry. */
  const tenantOf = new Map<ConnectionAddress, TenantId>();

  function remember(connection: Connection): void {
    tenantOf.set(connection.address, connection.tenant);
    if (tenantOf.size <= maxKnownTenants) return;
    const oldest = tenantOf.keys().next();
    if (!oldest.done) tenantOf.delete(oldest.value);
  }

  async function stateOf(stored: Item, live: PeerState['live'], consistentLive: boolean): Promise<PeerState> {
    if (stored.pending !== undefined) return { pending: identityFrom(stored) };
    const connection = connectionFrom(stored);
    remember(connection);
    const current = live ?? (await tenants.readLive(connection.tenant, consistentLive));
    return current === undefined ? { connection } : { connection, live: current };
  }

  async function find(address: ConnectionAddress) {
    const row = await table.get(rowKey(address), true);
    if (row === undefined) return { pending: false };
    return row.pending === undefined
      ? { connection: connectionFrom(row), pending: false }
      : { pending: true };
  }

  return {
    async readState(address, consistentLive, consistentRow = false) {
      const tenant = tenantOf.get(address);
      if (tenant !== undefined) {
        const liveKey = tenants.liveKey(tenant);
        const found = await getBatch(client, {
          [tableName]: { Keys: [rowKey(address)], ConsistentRead: consistentRow },
          [tenants.tableName]: { Keys: [liveKey], ConsistentRead: consistentLive },
        });
        const [row] = found[tableName] ?? [];
        const [liveRow] = found[tenants.tableName] ?? [];
        if (row !== undefined && row.pending === undefined)
          return stateOf(row, liveRow === undefined ? undefined : liveFrom(liveRow), consistentLive);
      } else if (!consistentRow) {
        const row = await table.get(rowKey(address), false);
        if (row !== undefined && row.pending === undefined) return stateOf(row, undefined, consistentLive);
      }
      const row = await table.get(rowKey(address), true);
      return row === undefined ? {} : stateOf(row, undefined, consistentLive);
    },

    async get(address) {
      return (await find(address)).connection;
    },

    find,

    async putPending(address, identity) {
      await table.put({
        ...rowKey(address),
        v: version,
        pending: S(JSON.stringify(identity)),
        ttl: ttl(connectionTtlSeconds),
      });
    },

    /** `by` tells this call's own write, repeated because its answer was lost, from a second CONNECT. */
    async create(connection) {
      remember(connection);
      const by = S(randomUUID());
      return table.putIf(
        { ...connectionItem(connection), ttl: ttl(connectionTtlSeconds), by },
        {
          condition: 'attribute_not_exists(address) OR attribute_exists(pending) OR #by = :by',
          names: { '#by': 'by' },
          values: { ':by': by },
        },
      );
    },

    async addTopicAliases(address, aliases) {
      const names: Record<string, string> = {};
      const values: Item = {};
      const sets = Object.entries(aliases).map(([alias, topic], index) => {
        names[`#a${index}`] = alias;
        values[`:t${index}`] = S(topic);
        return `aliases.#a${index} = :t${index}`;
      });
      await table.update(rowKey(address), {
        update: `SET ${sets.join(', ')}`,
        condition: 'attribute_exists(address)',
        names,
        values,
      });
    },

    async getMany(addresses) {
      const rows = await table.getMany(addresses.map(rowKey));
      return rows.filter((row) => row.pending === undefined).map(connectionFrom);
    },

    async renew(address, token) {
      const attributes = tokenAttributes(token);
      const names = Object.keys(attributes);
      const set = names.filter((name) => attributes[name] !== undefined);
      const removed = names.filter((name) => attributes[name] === undefined);
      await table.update(rowKey(address), {
        update:
          `SET ${set.map((name) => `#${name} = :${name}`).join(', ')}` +
          (removed.length === 0 ? '' : ` REMOVE ${removed.map((name) => `#${name}`).join(', ')}`),
        condition: 'attribute_exists(address)',
        names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
        values: item(Object.fromEntries(set.map((name) => [`:${name}`, attributes[name]]))),
      });
    },

    async setRateUse(address, use, known) {
      const updated = await table.update(rowKey(address), {
        update: 'SET rateMessages = :messages, rateBytes = :bytes',
        condition:
          known === undefined
            ? 'attribute_exists(address) AND attribute_not_exists(rateMessages)'
            : 'rateMessages = :knownMessages AND rateBytes = :knownBytes',
        values: {
          ':messages': N(use.messagesUntilMs),
          ':bytes': N(use.bytesUntilMs),
          ...(known === undefined
            ? {}
            : { ':knownMessages': N(known.messagesUntilMs), ':knownBytes': N(known.bytesUntilMs) }),
        },
      });
      return updated !== undefined;
    },

    async setRevocationsSeen(address, revocationsSeenMs) {
      await table.update(rowKey(address), {
        update: 'SET revocationsSeen = :seen',
        condition: 'attribute_exists(address)',
        values: { ':seen': N(revocationsSeenMs) },
      });
    },

    async delete(address) {
      tenantOf.delete(address);
      await table.delete(rowKey(address));
    },

    async deletePending(address) {
      await table.deleteIf(rowKey(address), { condition: 'attribute_exists(pending)' });
    },

    async putChunk(address, id, index, chunk) {
      await table.put({
        ...chunkKey(address, id, index),
        v: version,
        chunk: B(chunk),
        ttl: ttl(chunkTtlSeconds),
      });
    },

    async readChunks(address, id, count) {
      const rows = await Promise.all(
        Array.from({ length: count }, (_, index) => table.get(chunkKey(address, id, index), true)),
      );
      const chunks: Uint8Array[] = [];
      for (const row of rows) {
        if (row === undefined) return undefined;
        chunks.push(bytes(known(row), 'chunk'));
      }
      return chunks;
    },
  };

  function ttl(seconds: number) {
    return N(Math.ceil(nowMs() / 1000) + seconds);
  }
}

function rowKey(address: ConnectionAddress): Item {
  return { address: S(address) };
}

function chunkKey(address: ConnectionAddress, id: string, index: number): Item {
  return { address: S(`${address}~${id}~${index}`) };
}

function connectionItem(connection: Connection): Item {
  return {
    ...rowKey(connection.address),
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

function tokenAttributes(token: TokenState): Record<string, AttributeValue | undefined> {
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

function connectionFrom(stored: Item): Connection {
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

function identityFrom(stored: Item): Identity {
  const identity = json(known(stored), 'pending') as Identity;
  return { ...identity, tenant: storedTenant(identity.tenant, 'pending') };
}
