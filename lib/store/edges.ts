import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { EdgeStore } from '../core/store-ports/edges.ts';
import {
  BOOL,
  flag,
  type Item,
  known,
  N,
  NS,
  number,
  numberSet,
  S,
  string,
  ttl,
  version,
} from './attributes.ts';
import { Table } from './table.ts';

/** Rows of dead edges and of back doors, which live for 2 hours at most. */
const edgeTtlSeconds = 86_400;

/**
 * Table Connections, beside the rows of addresses: the lease of an edge in `e:EDGE`, its blocks in
 * `e:EDGE~blocks`, and the edge of a back door in `door:CONNECTIONID`. The first two have no TTL
 * while the edge lives.
 */
export function createEdgeStore(client: DynamoDBClient, tableName: string, nowMs: () => number): EdgeStore {
  const table = new Table(client, tableName);
  return {
    async registerDoor(edge, door) {
      await table.put({ ...doorKey(door), v: version, edge: S(edge), ttl: ttl(nowMs(), edgeTtlSeconds) });
    },

    async edgeOfDoor(door) {
      const row = await table.get(doorKey(door), true);
      return row === undefined ? undefined : string(known(row), 'edge');
    },

    async begin(edge, door, atMs) {
      await table.put({ ...leaseKey(edge), v: version, door: S(door), renewedAt: N(atMs) });
    },

    async renew(edge, door, atMs) {
      const updated = await table.update(leaseKey(edge), {
        update: 'SET door = :door, renewedAt = :at',
        condition: 'attribute_exists(door) AND attribute_not_exists(dead)',
        values: { ':door': S(door), ':at': N(atMs) },
      });
      return updated !== undefined;
    },

    async get(edge, consistent = false) {
      const row = await table.get(leaseKey(edge), consistent);
      if (row === undefined) return undefined;
      const lease = known(row);
      return {
        door: string(lease, 'door'),
        renewedAtMs: number(lease, 'renewedAt'),
        isDead: flag(lease, 'dead'),
      };
    },

    async declareDead(edge, renewedAtMs) {
      const updated = await table.update(leaseKey(edge), {
        update: 'SET dead = :true, #ttl = :ttl',
        condition: 'attribute_exists(door) AND (renewedAt = :seen OR attribute_exists(dead))',
        names: { '#ttl': 'ttl' },
        values: { ':true': BOOL(true), ':ttl': ttl(nowMs(), edgeTtlSeconds), ':seen': N(renewedAtMs) },
      });
      return updated !== undefined;
    },

    async addBlock(edge, block) {
      const updated = await table.update(blocksKey(edge), {
        update: 'SET v = :v ADD blocks :block',
        condition: 'attribute_not_exists(dead)',
        values: { ':v': version, ':block': NS([block]) },
      });
      return updated !== undefined;
    },

    async removeBlock(edge, block) {
      await table.update(blocksKey(edge), {
        update: 'DELETE blocks :block',
        condition: 'attribute_exists(address)',
        values: { ':block': NS([block]) },
      });
    },

    async closeBlocks(edge) {
      const updated = await table.update(
        blocksKey(edge),
        {
          update: 'SET v = :v, dead = :true, #ttl = :ttl',
          names: { '#ttl': 'ttl' },
          values: { ':v': version, ':true': BOOL(true), ':ttl': ttl(nowMs(), edgeTtlSeconds) },
        },
        'ALL_NEW',
      );
      return [...numberSet(updated ?? {}, 'blocks')];
    },
  };
}

function leaseKey(edge: string): Item {
  return { address: S(`e:${edge}`) };
}

function blocksKey(edge: string): Item {
  return { address: S(`e:${edge}~blocks`) };
}

function doorKey(door: string): Item {
  return { address: S(`door:${door}`) };
}
