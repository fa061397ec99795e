import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TenantLive } from '../core/model.ts';
import type { TenantQuotas } from '../core/quotas.ts';
import type { GoingMark, LiveTenantStore } from '../core/store-ports/tenants.ts';
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

/** Attributes of copy 0 with the time of the last search, in ms since 1970. */
const searchedNames = { full: 'searchedFull', routine: 'searched' } as const;
/** Tenants and causes of which a process remembers the last search for unused shapes. */
const maxKnownSearches = 10_000;

/**
 * The message path's part of table Tenants: `tenant` / `live#0…3` → status, shapes, quotas, latest
 * revocation, end of the longest ban. A shape that is being removed moves from the set `shapes` to
 * the set `going`, whose members are `mark shape`. So removing a mark never removes one that
 * another call has made, and a SUBSCRIBE brings a shape back by adding it to `shapes`, whatever
 * marks it has.
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
  nowMs: () => number,
  random: () => number = Math.random,
): LiveTenantTable {
  /** When this process last asked for a search for unused shapes, by cause and tenant. */
  const searchedAtMs = new Map<string, number>();
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

    async readShapes(tenant) {
      const rows = await table.getMany(copies(tenant), true);
      if (rows.length === 0) return undefined;
      const shapes = new Set(rows.flatMap((row) => known(row).shapes?.SS ?? []));
      const going = new Set(rows.flatMap((row) => row.going?.SS ?? []));
      return {
        shapes,
        going: [...going].map(goingFrom).filter(({ shape }) => !shapes.has(shape)),
        dollarApart: rows.every(isDollarApart),
      };
    },

    async markGoing(tenant, shapes, mark) {
      if (shapes.length === 0) return;
      const going = shapes.map((shape) => goingText({ mark, shape }));
      await updateCopies(tenant, {
        update: 'DELETE shapes :shapes ADD going :going',
        values: { ':shapes': { SS: [...shapes] }, ':going': { SS: going } },
      });
    },

    async settleGoing(tenant, used, marks, dollarApart) {
      const clauses = [
        ...(used.length === 0 ? [] : ['ADD shapes :used']),
        ...(marks.length === 0 ? [] : ['DELETE going :going']),
        ...(dollarApart ? ['SET dollarApart = :true'] : []),
      ];
      if (clauses.length === 0) return;
      await updateCopies(tenant, {
        update: clauses.join(' '),
        values: {
          ...(used.length === 0 ? {} : { ':used': { SS: [...used] } }),
          ...(marks.length === 0 ? {} : { ':going': { SS: marks.map(goingText) } }),
          ...(dollarApart ? { ':true': { BOOL: true } } : {}),
        },
      });
    },

    async beginShapeSearch(tenant, cause, minAgeMs) {
      const atMs = nowMs();
      const name = `${cause} ${tenant}`;
      if (atMs - (searchedAtMs.get(name) ?? Number.NEGATIVE_INFINITY) < minAgeMs) return false;
      if (searchedAtMs.size >= maxKnownSearches) searchedAtMs.clear();
      searchedAtMs.set(name, atMs);
      const begun = await table.update(copyKey(tenant, 0), {
        update: 'SET #searched = :at',
        condition: 'attribute_exists(tenant) AND (attribute_not_exists(#searched) OR #searched <= :notSince)',
        names: { '#searched': searchedNames[cause] },
        values: { ':at': N(atMs), ':notSince': N(atMs - minAgeMs) },
      });
      return begun !== undefined;
    },
  };

  /** Updates every copy of a tenant that exists. */
  async function updateCopies(
    tenant: TenantId,
    { update, values }: { readonly update: string; readonly values: Item },
  ): Promise<void> {
    await Promise.all(
      copies(tenant).map((key) =>
        table.update(key, { update, condition: 'attribute_exists(tenant)', values }),
      ),
    );
  }

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
  const bansUntilMs = optionalNumber(stored, 'bansUntil');
  const counted = stored.shapes?.SS ?? [];
  const marked = (stored.going?.SS ?? []).map((text) => goingFrom(text).shape);
  const going = new Set(marked.filter((shape) => !counted.includes(shape)));
  return {
    quotas: stored.quotas === undefined ? {} : (json(stored, 'quotas') as TenantQuotas),
    status: stored.status?.S === 'active' ? 'active' : 'suspended',
    shapes: new Set([...counted, ...going]),
    going,
    dollarApart: isDollarApart(stored),
    ...(revokedAtMs === undefined ? {} : { revokedAtMs }),
    ...(bansUntilMs === undefined ? {} : { bansUntilMs }),
  };
}

/** A copy of a new tenant says so; of a tenant of an earlier release, once it has been walked. */
function isDollarApart({ dollarApart }: Item): boolean {
  return dollarApart?.BOOL === true;
}

function goingText({ mark, shape }: GoingMark): string {
  return `${mark} ${shape}`;
}

/** A shape holds no space. */
function goingFrom(text: string): GoingMark {
  const end = text.lastIndexOf(' ');
  return { mark: text.slice(0, end), shape: text.slice(end + 1) };
}

export function copyKey(tenant: TenantId, copy: number): Item {
  return { tenant: S(tenant), part: S(livePart(copy)) };
}

function copies(tenant: TenantId): Item[] {
  return Array.from({ length: liveCopies }, (_, copy) => copyKey(tenant, copy));
}
