import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantLive } from '../core/model.ts';
import type { TenantQuotas } from '../core/quotas.ts';
import type { LiveTenantStore } from '../core/store-ports/tenants.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, json, known, N, optionalNumber, S } from './attributes.ts';
import { Table } from './table.ts';

/**
 * Copies of the row that every frame of a tenant reads. One DynamoDB partition serves 3,000 read
 * units per second and an eventually consistent read takes half a unit: 6,000 frames per second.
 * The copies share a partition key. DynamoDB splits them, up to one partition each, once they are
 * hot (Amazon DynamoDB Developer Guide, "Burst and adaptive capacity").
 */
export const liveCopies = 4;

export const livePart = (copy: number): string => `live#${copy}`;

/**
 * The message path's part of table Tenants: `tenant` / `live#0…3` → status, shapes, quotas, latest
 * revocation.
 */
export interface LiveTenantTable extends LiveTenantStore {
  readonly tableName: string;
  /** Key of one copy, chosen at random. */
  liveKey(tenant: TenantId): Item;
}

/**
 * Every writer updates all copies and every reader chooses one. A crash between the copies leaves a
 * shape in some of them. The SUBACK has not been sent then, and the client's next SUBSCRIBE writes
 * the others.
 */
export function createLiveTenantTable(
  client: DynamoDBClient,
  tableName: string,
  random: () => number = Math.random,
): LiveTenantTable {
  const table = new Table(client, tableName);
  const liveKey = (tenant: TenantId): Item => copyKey(tenant, Math.floor(random() * liveCopies));

  return {
    tableName,
    liveKey,

    async readLive(tenant, consistent) {
      const found = await table.get(liveKey(tenant), consistent);
      return found === undefined ? undefined : liveFrom(found);
    },

    addShape,

    async addShapes(tenant, shapes, maxShapes) {
      if (shapes.length > 1 && (await addTogether(tenant, shapes, maxShapes))) return new Set(shapes);
      const added = new Set<string>();
      for (const shape of shapes) if (await addShape(tenant, shape, maxShapes)) added.add(shape);
      return added;
    },
  };

  async function addShape(tenant: TenantId, shape: string, maxShapes: number): Promise<boolean> {
    const first = maxShapes > 0 ? ' OR attribute_not_exists(shapes)' : '';
    const added = await Promise.all(
      Array.from({ length: liveCopies }, (_, copy) =>
        table.update(copyKey(tenant, copy), {
          update: 'ADD shapes :shape',
          condition: `attribute_exists(tenant) AND (contains(shapes, :one) OR size(shapes) < :max${first})`,
          values: { ':shape': { SS: [shape] }, ':one': S(shape), ':max': N(maxShapes) },
        }),
      ),
    );
    return added.every((result) => result !== undefined);
  }

  /** @returns false when a copy has no room for all, even if it holds some of them. */
  async function addTogether(
    tenant: TenantId,
    shapes: readonly string[],
    maxShapes: number,
  ): Promise<boolean> {
    if (shapes.length > maxShapes) return false;
    const added = await Promise.all(
      Array.from({ length: liveCopies }, (_, copy) =>
        table.update(copyKey(tenant, copy), {
          update: 'ADD shapes :shapes',
          condition: 'attribute_exists(tenant) AND (size(shapes) < :full OR attribute_not_exists(shapes))',
          values: { ':shapes': { SS: [...shapes] }, ':full': N(maxShapes - shapes.length + 1) },
        }),
      ),
    );
    return added.every((result) => result !== undefined);
  }
}

export function liveFrom(stored: Item): TenantLive {
  known(stored);
  const revokedAtMs = optionalNumber(stored, 'revoked');
  return {
    quotas: stored.quotas === undefined ? {} : (json(stored, 'quotas') as TenantQuotas),
    status: stored.status?.S === 'active' ? 'active' : 'suspended',
    shapes: new Set(stored.shapes?.SS ?? []),
    ...(revokedAtMs === undefined ? {} : { revokedAtMs }),
  };
}

export function copyKey(tenant: TenantId, copy: number): Item {
  return { tenant: S(tenant), part: S(livePart(copy)) };
}
