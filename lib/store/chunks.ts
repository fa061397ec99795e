import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ConnectionAddress } from '../core/model.ts';
import type { ChunkStore } from '../core/store-ports/chunks.ts';
import { B, bytes, type Item, known, S, ttl, version } from './attributes.ts';
import { Table } from './table.ts';

/**
 * Chunks are assembled within seconds. Deletion by TTL is free; a delete of 24 KB costs 24 write
 * units.
 */
const chunkTtlSeconds = 3600;

/** Table Connections, rows `address~id~index`. */
export function createChunkStore(client: DynamoDBClient, tableName: string, nowMs: () => number): ChunkStore {
  const table = new Table(client, tableName);
  return {
    async put(address, id, index, chunk) {
      await table.put({
        ...chunkKey(address, id, index),
        v: version,
        chunk: B(chunk),
        ttl: ttl(nowMs(), chunkTtlSeconds),
      });
    },

    async read(address, id, count) {
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
}

function chunkKey(address: ConnectionAddress, id: string, index: number): Item {
  return { address: S(`${address}~${id}~${index}`) };
}
