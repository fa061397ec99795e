import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { parseTenantConfig, type TenantAdmin, type TenantConfig, type TenantLookup } from '../auth/index.ts';
import { type Item, json, known, N, number, S, string, version } from './attributes.ts';
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
    return found === undefined ? undefined : configFrom(found);
  }

  return {
    async load(name) {
      const cached = loaded.get(name);
      if (cached !== undefined && nowMs() - cached.atMs < maxConfigAgeMs) return cached.config;
      const config = await read(name, false);
      // Names that strangers make up are not kept.
      if (config === undefined) return undefined;
      if (loaded.size >= maxConfigs) loaded.clear();
      loaded.set(name, { config, atMs: nowMs() });
      return config;
    },

    /**
     * The copies first: a crash leaves rows that no token leads to, and the next attempt overwrites them. The same
     * configuration again is the client's retry of a write whose answer was lost.
     */
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
      const stored = S(JSON.stringify(config));
      return table.putIf(
        {
          ...key(name, metaPart),
          v: version,
          created: N(config.createdAtMs),
          revision: N(1),
          config: stored,
        },
        { condition: 'attribute_not_exists(tenant) OR config = :config', values: { ':config': stored } },
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
          const { status, createdAtMs } = configFrom(item);
          return { name: string(item, 'tenant'), status, createdAtMs };
        })
        .sort((one, other) => (one.name < other.name ? -1 : 1));
    },

    show: (name) => read(name, true),

    async read(name) {
      const found = await table.get(key(name, metaPart), true);
      return found && { config: configFrom(found), revision: number(found, 'revision') };
    },

    /**
     * The configuration first: from then on it decides about tokens. After a crash the copies are as they were; the
     * same call again, or the next one, writes them.
     */
    async update(name, expectedRevision, config) {
      const stored = S(JSON.stringify(config));
      const updated = await table.update(key(name, metaPart), {
        update: 'SET config = :config, revision = :next',
        condition: 'revision = :expected OR (revision = :next AND config = :config)',
        values: { ':config': stored, ':expected': N(expectedRevision), ':next': N(expectedRevision + 1) },
      });
      if (updated === undefined) return false;
      const { quotas } = config;
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) =>
          table.update(key(name, livePart(copy)), {
            update: `SET #status = :status${quotas === undefined ? ' REMOVE quotas' : ', quotas = :quotas'}`,
            condition: 'attribute_exists(tenant)',
            names: { '#status': 'status' },
            values: {
              ':status': S(config.status),
              ...(quotas === undefined ? {} : { ':quotas': S(JSON.stringify(quotas)) }),
            },
          }),
        ),
      );
      loaded.delete(name);
      return true;
    },

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

function configFrom(stored: Item): TenantConfig {
  return parseTenantConfig(json(known(stored), 'config'));
}
