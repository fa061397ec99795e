import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readTenantConfig, type TenantAdmin, type TenantConfig, type TenantLookup } from '../auth/index.ts';
import type { VersionedTenantConfig } from '../auth/tenant-config.ts';
import { type Item, json, known, N, number, S, string, version } from './attributes.ts';
import { banPrefix } from './bans.ts';
import { observerPrefix } from './observers.ts';
import { revokedPrefix } from './revocations.ts';
import { tenantsByPart } from './schema.ts';
import { Table } from './table.ts';
import { liveCopies, livePart } from './tenant-live.ts';

const metaPart = 'meta';
/** Maximum age of a cached configuration in milliseconds. Every CONNECT needs one. */
const maxConfigAgeMs = 5_000;
const maxConfigs = 10_000;
/** One BatchGetItem reads the rows of a page. */
const maxTenantsPerPage = 100;

/**
 * Table Tenants: `tenant` / `meta` → the configuration with issuers and keys, for operators' tools
 * and token verification. tenant-live.ts has the copies that the message path reads.
 */
export function createTenantStore(
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

  async function readVersioned(name: string): Promise<VersionedTenantConfig | undefined> {
    const found = await table.get(key(name, metaPart), true);
    return found && { config: configFrom(found), revision: number(found, 'revision') };
  }

  async function alignLive(name: string, written: TenantConfig, revision: number): Promise<void> {
    for (let next: VersionedTenantConfig = { config: written, revision }; ; ) {
      const { status, quotas } = next.config;
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) =>
          table.update(key(name, livePart(copy)), {
            update: `SET #status = :status${quotas === undefined ? ' REMOVE quotas' : ', quotas = :quotas'}`,
            condition: 'attribute_exists(tenant)',
            names: { '#status': 'status' },
            values: {
              ':status': S(status),
              ...(quotas === undefined ? {} : { ':quotas': S(JSON.stringify(quotas)) }),
            },
          }),
        ),
      );
      const now = await readVersioned(name);
      if (now === undefined || now.revision === next.revision) return;
      next = now;
    }
  }

  return {
    async load(name) {
      const cached = loaded.get(name);
      if (cached !== undefined && nowMs() - cached.atMs < maxConfigAgeMs) return cached.config;
      const config = await read(name, false);
      // Unknown names are not cached: unauthenticated clients can invent any number of them.
      if (config === undefined) return undefined;
      if (loaded.size >= maxConfigs) loaded.clear();
      loaded.set(name, { config, atMs: nowMs() });
      return config;
    },

    /**
     * Writes the copies first: a crash leaves rows that no token refers to, and the next attempt
     * overwrites them. An equal stored configuration is this call's own write, repeated because its
     * answer was lost.
     */
    async create(name, config) {
      if ((await read(name, true)) !== undefined) return false;
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) =>
          table.put({
            ...key(name, livePart(copy)),
            v: version,
            status: S(config.status),
            dollarApart: { BOOL: true },
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

    async list(after, limit) {
      const page = await table.page({
        IndexName: tenantsByPart,
        KeyConditionExpression: 'part = :meta',
        ExpressionAttributeValues: { ':meta': S(metaPart) },
        Limit: Math.min(limit, maxTenantsPerPage),
        ...(after === undefined ? {} : { ExclusiveStartKey: key(after, metaPart) }),
      });
      const rows = await table.getMany(page.items.map((hit) => key(string(hit, 'tenant'), metaPart)));
      const tenants = rows.map((row) => {
        const { status, createdAtMs } = configFrom(row);
        return { name: string(row, 'tenant'), status, createdAtMs };
      });
      return {
        tenants: tenants.sort((one, other) => (one.name < other.name ? -1 : 1)),
        more: page.next !== undefined,
      };
    },

    show: (name) => read(name, true),

    read: readVersioned,

    /**
     * Writes the configuration first: from then on it decides about tokens. After a crash the
     * copies are stale; a repetition of the call or the next change writes them. With two
     * concurrent changes, each reads the configuration again after writing the copies, so the
     * copies end as the last change requires.
     */
    async update(name, expectedRevision, config) {
      const stored = S(JSON.stringify(config));
      const updated = await table.update(key(name, metaPart), {
        update: 'SET config = :config, revision = :next',
        condition: 'revision = :expected OR (revision = :next AND config = :config)',
        values: { ':config': stored, ':expected': N(expectedRevision), ':next': N(expectedRevision + 1) },
      });
      if (updated === undefined) return false;
      loaded.delete(name);
      await alignLive(name, config, expectedRevision + 1);
      return true;
    },

    /** Deletes the configuration last: a crash leaves a tenant that can be deleted again. */
    async delete(name) {
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) => table.delete(key(name, livePart(copy)))),
      );
      for (const prefix of [revokedPrefix, observerPrefix, banPrefix]) await deleteParts(table, name, prefix);
      const existed = await table.delete(key(name, metaPart));
      loaded.delete(name);
      return existed !== undefined;
    },
  };
}

function configFrom(stored: Item): TenantConfig {
  return readTenantConfig(json(known(stored), 'config'));
}

async function deleteParts(table: Table, tenant: string, prefix: string): Promise<void> {
  const query = {
    KeyConditionExpression: 'tenant = :tenant AND begins_with(part, :prefix)',
    ExpressionAttributeValues: { ':tenant': S(tenant), ':prefix': S(prefix) },
  };
  const keys: Item[] = [];
  for await (const row of table.items(query)) keys.push({ tenant: S(tenant), part: S(string(row, 'part')) });
  await table.writeMany(keys.map((Key) => ({ DeleteRequest: { Key } })));
}
