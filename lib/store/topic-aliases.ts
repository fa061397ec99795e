import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ConnectionAddress } from '../core/model.ts';
import type { TopicAliasStore } from '../core/store-ports/topic-aliases.ts';
import { type Item, known, N, number, S, string, ttl, version } from './attributes.ts';
import { connectionTtlSeconds } from './connection-item.ts';
import { Table } from './table.ts';

/** Table Connections, rows `address~alias~number`. */
export function createTopicAliasStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): TopicAliasStore {
  const table = new Table(client, tableName);
  return {
    async put(address, aliases) {
      await table.putMany(
        Object.entries(aliases).map(([alias, topic]) => ({
          ...aliasKey(address, Number(alias)),
          v: version,
          alias: N(Number(alias)),
          topic: S(topic),
          ttl: ttl(nowMs(), connectionTtlSeconds),
        })),
      );
    },

    async read(address, aliases) {
      const rows = await table.getMany(
        aliases.map((alias) => aliasKey(address, alias)),
        true,
      );
      return Object.fromEntries(rows.map((row) => [number(known(row), 'alias'), string(row, 'topic')]));
    },
  };
}

function aliasKey(address: ConnectionAddress, alias: number): Item {
  return { address: S(`${address}~alias~${alias}`) };
}
