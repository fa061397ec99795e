import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ConnectionAddress, UnfinishedPacket } from '../core/model.ts';
import type { ChunkStore } from '../core/store-ports/chunks.ts';
import { B, bytes, type Item, known, S, ttl, version } from './attributes.ts';
import { connectionKey, slotAttribute, slotText } from './connection-item.ts';
import { Table } from './table.ts';

/**
 * Chunks are assembled within seconds. Deletion by TTL is free; a delete of 24 KB costs 24 write
 * units.
 */
const chunkTtlSeconds = 3600;

/**
 * Table Connections: slots in the row of the connection, chunks in rows `address~slot~index`. The
 * attribute `packet` of a chunk tells whether it belongs to the packet that holds the slot.
 */
export function createChunkStore(client: DynamoDBClient, tableName: string, nowMs: () => number): ChunkStore {
  const table = new Table(client, tableName);
  return {
    async begin(address, packet) {
      const updated = await table.update(connectionKey(address), {
        update: 'SET #slot = :packet',
        condition: 'attribute_exists(address) AND attribute_not_exists(#slot)',
        names: { '#slot': slotAttribute(packet.slot) },
        values: { ':packet': S(slotText(packet)) },
      });
      return updated !== undefined;
    },

    async put(address, { slot, key }, index, chunk) {
      await table.put({
        ...chunkKey(address, slot, index),
        v: version,
        packet: S(key),
        chunk: B(chunk),
        ttl: ttl(nowMs(), chunkTtlSeconds),
      });
    },

    async read(address, { slot, key }, count) {
      const rows = await Promise.all(
        Array.from({ length: count }, (_, index) => table.get(chunkKey(address, slot, index), true)),
      );
      const chunks: Uint8Array[] = [];
      for (const row of rows) {
        if (row === undefined || known(row).packet?.S !== key) return undefined;
        chunks.push(bytes(row, 'chunk'));
      }
      return chunks;
    },

    async finish(address, packet: UnfinishedPacket) {
      const updated = await table.update(connectionKey(address), {
        update: 'REMOVE #slot',
        condition: '#slot = :packet',
        names: { '#slot': slotAttribute(packet.slot) },
        values: { ':packet': S(slotText(packet)) },
      });
      return updated !== undefined;
    },
  };
}

function chunkKey(address: ConnectionAddress, slot: number, index: number): Item {
  return { address: S(`${address}~${slot}~${index}`) };
}
