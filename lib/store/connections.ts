import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { isEdgeAddress } from '../core/edge-address.ts';
import type { Connection, ConnectionAddress, TenantLive } from '../core/model.ts';
import type { ConnectionStore, PeerState } from '../core/store-ports/connections.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, N, S, ttl } from './attributes.ts';
import {
  connectionFields,
  connectionKey,
  connectionTtlSeconds,
  rateFields,
  tokenFields,
} from './connection-item.ts';
import { itemOf, modelFrom, updateOf } from './fields.ts';
import { pendingIdentityFrom } from './pending-identities.ts';
import { getBatch, Table } from './table.ts';
import { type LiveTenantTable, liveFrom } from './tenant-live.ts';

/** Addresses whose tenant this process remembers. */
const maxKnownTenants = 50_000;
/** Tenants whose row this process remembers. */
const maxKnownLive = 1_000;

/**
 * Table Connections, rows `address`: the connection, or the pending identity of a handshake token
 * until CONNECT (pending-identities.ts).
 */
export function createConnectionStore(
  client: DynamoDBClient,
  tableName: string,
  tenants: LiveTenantTable,
  nowMs: () => number,
): ConnectionStore {
  const table = new Table(client, tableName);
  /** An address never changes its tenant, so entries need no expiry. */
  const tenantOf = new Map<ConnectionAddress, TenantId>();
  /** Rows of active tenants as last read, for callers that need no newer one. */
  const lastLive = new Map<TenantId, { readonly live: TenantLive; readonly readAtMs: number }>();

  function remember(connection: Connection): void {
    tenantOf.set(connection.address, connection.tenant);
    if (tenantOf.size <= maxKnownTenants) return;
    const oldest = tenantOf.keys().next();
    if (!oldest.done) tenantOf.delete(oldest.value);
  }

  function rememberLive(tenant: TenantId, live: TenantLive): void {
    lastLive.delete(tenant);
    if (live.status !== 'active') return;
    lastLive.set(tenant, { live, readAtMs: nowMs() });
    if (lastLive.size <= maxKnownLive) return;
    const oldest = lastLive.keys().next();
    if (!oldest.done) lastLive.delete(oldest.value);
  }

  function knownLive(tenant: TenantId, maxAgeMs: number): TenantLive | undefined {
    const last = lastLive.get(tenant);
    return last !== undefined && nowMs() - last.readAtMs < maxAgeMs ? last.live : undefined;
  }

  async function stateOf(stored: Item, live: PeerState['live'], consistentLive: boolean): Promise<PeerState> {
    if (stored.pending !== undefined) return { pending: pendingIdentityFrom(stored) };
    const connection = modelFrom(connectionFields, stored);
    remember(connection);
    const current = live ?? (await tenants.readLive(connection.tenant, consistentLive));
    if (current === undefined) return { connection };
    if (lastLive.get(connection.tenant)?.live !== current) rememberLive(connection.tenant, current);
    return { connection, live: current };
  }

  async function find(address: ConnectionAddress) {
    const row = await table.get(connectionKey(address), true);
    if (row === undefined) return { pending: false };
    return row.pending === undefined
      ? { connection: modelFrom(connectionFields, row), pending: false }
      : { pending: true };
  }

  return {
    async readState(address, consistentLive, age = 'any', maxLiveAgeMs = 0) {
      const consistentRow = age !== 'any';
      const tenant = tenantOf.get(address);
      const live = tenant === undefined ? undefined : knownLive(tenant, maxLiveAgeMs);
      if (live !== undefined) {
        const row = await table.get(connectionKey(address), consistentRow);
        if (row !== undefined && row.pending === undefined) return stateOf(row, live, consistentLive);
      } else if (tenant !== undefined) {
        const liveKey = tenants.liveKey(tenant);
        const found = await getBatch(client, {
          [tableName]: { Keys: [connectionKey(address)], ConsistentRead: consistentRow },
          [tenants.tableName]: { Keys: [liveKey], ConsistentRead: consistentLive },
        });
        const [row] = found[tableName] ?? [];
        const [liveRow] = found[tenants.tableName] ?? [];
        if (row !== undefined && row.pending === undefined)
          return stateOf(row, liveRow === undefined ? undefined : liveFrom(liveRow), consistentLive);
      } else if (!consistentRow) {
        const row = await table.get(connectionKey(address), false);
        if (row !== undefined && row.pending === undefined) return stateOf(row, undefined, consistentLive);
      }
      const row = await table.get(connectionKey(address), true);
      return row === undefined ? {} : stateOf(row, undefined, consistentLive);
    },

    async get(address) {
      return (await find(address)).connection;
    },

    find,

    /**
     * `by` distinguishes this call's own write, which the SDK repeats when the answer is lost, from
     * a second CONNECT.
     */
    async create(connection) {
      remember(connection);
      const by = S(randomUUID());
      return table.putIf(
        {
          ...itemOf(connectionFields, connection),
          // A connection at an edge may live for weeks: its end, or that of the edge, deletes the
          // row.
          ...(isEdgeAddress(connection.address) ? {} : { ttl: ttl(nowMs(), connectionTtlSeconds) }),
          by,
        },
        {
          condition: 'attribute_not_exists(address) OR attribute_exists(pending) OR #by = :by',
          names: { '#by': 'by' },
          values: { ':by': by },
        },
      );
    },

    async addTopicAliases(address, aliases, removed = []) {
      const names: Record<string, string> = {};
      const values: Item = {};
      const sets = Object.entries(aliases).map(([alias, topic], index) => {
        names[`#a${index}`] = alias;
        values[`:t${index}`] = S(topic);
        return `aliases.#a${index} = :t${index}`;
      });
      const removes = removed.map((alias, index) => {
        names[`#r${index}`] = `${alias}`;
        return `aliases.#r${index}`;
      });
      await table.update(connectionKey(address), {
        update: [
          ...(sets.length === 0 ? [] : [`SET ${sets.join(', ')}`]),
          ...(removes.length === 0 ? [] : [`REMOVE ${removes.join(', ')}`]),
        ].join(' '),
        condition: 'attribute_exists(address)',
        names,
        ...(sets.length === 0 ? {} : { values }),
      });
    },

    async getMany(addresses, consistent) {
      const rows = await table.getMany(addresses.map(connectionKey), consistent);
      return rows.filter((row) => row.pending === undefined).map((row) => modelFrom(connectionFields, row));
    },

    async renew(address, token) {
      await table.update(connectionKey(address), {
        ...updateOf(tokenFields, token),
        condition: 'attribute_exists(address)',
      });
    },

    async setRateUse(address, use, known) {
      const { update, names, values } = updateOf(rateFields, use);
      const updated = await table.update(connectionKey(address), {
        update,
        names,
        ...(known === undefined
          ? { condition: 'attribute_exists(address) AND attribute_not_exists(#rateMessages)', values }
          : {
              condition: '#rateMessages = :knownMessages AND #rateBytes = :knownBytes',
              values: {
                ...values,
                ':knownMessages': N(known.messagesUntilMs),
                ':knownBytes': N(known.bytesUntilMs),
              },
            }),
      });
      return updated !== undefined;
    },

    async setRevocationsSeen(address, revocationsSeenMs) {
      await table.update(connectionKey(address), {
        update: 'SET revocationsSeen = :seen',
        condition: 'attribute_exists(address)',
        values: { ':seen': N(revocationsSeenMs) },
      });
    },

    async setTrace(address, untilMs) {
      await table.update(connectionKey(address), {
        update: untilMs === undefined ? 'REMOVE traceUntil' : 'SET traceUntil = :until',
        condition: 'attribute_exists(generation)',
        ...(untilMs === undefined ? {} : { values: { ':until': N(untilMs) } }),
      });
    },

    async watch(address, sinceMs) {
      await table.update(connectionKey(address), {
        update: 'SET watched = :since',
        condition: 'attribute_exists(address)',
        values: { ':since': N(sinceMs) },
      });
    },

    async endWatch(address, heardAtMs) {
      await table.update(connectionKey(address), {
        update: 'SET heard = :heard REMOVE watched',
        condition: 'attribute_exists(address)',
        values: { ':heard': N(heardAtMs) },
      });
    },

    async delete(address) {
      tenantOf.delete(address);
      await table.delete(connectionKey(address));
    },
  };
}
