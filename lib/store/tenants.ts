import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { parseTenantConfig, type TenantAdmin, type TenantConfig, type TenantLookup } from '../auth/index.ts';
import { type Item, N, S, string, version } from './attributes.ts';
import { Table } from './table.ts';
import { liveCopies, livePart } from './tenant-live.ts';

const metaPart = 'meta';
/** How long a process trusts a configuration it has read, in milliseconds: every CONNECT needs one. */
const maxConfigAgeMs = 5_000;
const maxConfigs = 10_000;

/**
 * Table Tenants: `tenant` / `meta` → issuers and keys, as operators' tools and token verification see it. The copies
 * that the message path reads are in tenant-live.ts.
 */
export function tenantStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): TenantAdmin & TenantLookup {
  const table = new Table(client, tableName);
  const key = (tenant: string, part: string): Item => ({ tenant: S(tenant), part: S(part) });
  const loaded = new Map<string, { config: TenantConfig; atMs: number }>();

  async function read(name: string, consistent: boolean): Promise<TenantConfig | undefined> {
    const found = await table.get(key(name, metaPart), consistent);
    return found === undefined ? undefined : parseTenantConfig(JSON.parse(string(found, 'config')));
  }

  return {
    async load(name) {
      const known = loaded.get(name);
      if (known !== undefined && nowMs() - known.atMs < maxConfigAgeMs) return known.config;
      const config = await read(name, false);
      // Names that strangers make up are not kept.
      if (config === undefined) return undefined;
      if (loaded.size >= maxConfigs) loaded.clear();
      loaded.set(name, { config, atMs: nowMs() });
      return config;
    },

    /** The copies first: a crash leaves rows that no token leads to, and the next attempt overwrites them. */
    async create(name, config) {
      if ((await read(name, true)) !== undefined) return false;
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) =>
          table.put({
            ...key(name, livePart(copy)),
            v: version,
            status: S(config.status),
            ...(config.quotas === undefined ? {} : { quotas: S(JSON.stringify(config.quotas)) }),
          }),
        ),
      );
      return table.putIf(
        {
          ...key(name, metaPart),
          v: version,
          created: N(config.createdAtMs),
          config: S(JSON.stringify(config)),
        },
        { condition: 'attribute_not_exists(tenant)' },
      );
    },

    async list() {
      const found: Item[] = [];
      let start: Item | undefined;
      do {
        const page = await client.send(
          new ScanCommand({
            TableName: tableName,
            FilterExpression: 'part = :meta',
            ExpressionAttributeValues: { ':meta': S(metaPart) },
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        );
        found.push(...(page.Items ?? []));
        start = page.LastEvaluatedKey;
      } while (start !== undefined);
      return found
        .map((item) => {
          const { status, createdAtMs } = parseTenantConfig(JSON.parse(string(item, 'config')));
          return { name: string(item, 'tenant'), status, createdAtMs };
        })
        .sort((one, other) => (one.name < other.name ? -1 : 1));
    },

    show: (name) => read(name, true),

    /** The configuration first: from then on no token is accepted. */
    async delete(name) {
      const existed = await table.delete(key(name, metaPart));
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) => table.delete(key(name, livePart(copy)))),
      );
      loaded.delete(name);
      return existed !== undefined;
    },
  };
}
