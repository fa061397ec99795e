import { createHash } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey } from '../core/model.ts';
import type { Ban, BanStore } from '../core/store-ports/bans.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, N, S, string, ttl } from './attributes.ts';
import { type Fields, itemOf, maybe, modelFrom, numeric, text } from './fields.ts';
import { Table } from './table.ts';
import { copyKey, liveCopies } from './tenant-live.ts';

export const banPrefix = 'ban#';

const banFields: Fields<Ban> = {
  clientId: text('id'),
  atMs: numeric('at'),
  untilMs: numeric('until'),
  by: text('by'),
  reason: maybe(text('reason')),
};

/**
 * Table Tenants: `tenant` / `ban#HASH` → a banned client identifier. TTL deletes the row after its
 * time, which readers check.
 *
 * The copies of the tenant's row get `bansUntil` first, the latest end of all bans, then the row is
 * written: a ban that can be seen is in force, whichever copy a CONNECT reads. A crash between the
 * writes leaves no ban, and copies that cost each CONNECT of the tenant a read until then, as a ban
 * that ends early does. Of two bans at once the later write counts, and the latest end in the
 * copies.
 */
export function createBanStore(client: DynamoDBClient, tableName: string, nowMs: () => number): BanStore {
  const table = new Table(client, tableName);
  const isCurrent = ({ untilMs }: Ban): boolean => untilMs > nowMs();
  const queryOf = (tenant: TenantId) => ({
    KeyConditionExpression: 'tenant = :tenant AND begins_with(part, :prefix)',
    ExpressionAttributeValues: { ':tenant': S(tenant), ':prefix': S(banPrefix) },
    ConsistentRead: true,
  });

  return {
    async get(key) {
      const found = await table.get(banKey(key), true);
      const ban = found === undefined ? undefined : banFrom(found);
      return ban !== undefined && isCurrent(ban) ? ban : undefined;
    },

    async put(tenant, ban) {
      if ((await table.get(copyKey(tenant, 0), true)) === undefined) return false;
      await Promise.all(
        Array.from({ length: liveCopies }, (_, copy) =>
          table.update(copyKey(tenant, copy), {
            update: 'SET bansUntil = :until',
            condition: 'attribute_exists(tenant) AND (attribute_not_exists(bansUntil) OR bansUntil < :until)',
            values: { ':until': N(ban.untilMs) },
          }),
        ),
      );
      const { by, reason, ...others } = itemOf(banFields, ban);
      const values = { ...others, by: by ?? S(ban.by), ttl: ttl(ban.untilMs, 0) };
      const names = Object.keys(values);
      await table.update(banKey({ tenant, clientId: ban.clientId }), {
        update:
          `SET ${names.map((name) => `#${name} = :${name}`).join(', ')}` +
          (reason === undefined ? ' REMOVE #reason' : ', #reason = :reason'),
        names: { ...Object.fromEntries(names.map((name) => [`#${name}`, name])), '#reason': 'reason' },
        values: {
          ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`:${name}`, value])),
          ...(reason === undefined ? {} : { ':reason': reason }),
        },
      });
      return true;
    },

    async end(key) {
      const ended = await table.update(banKey(key), {
        update: 'SET #until = :now, #ttl = :ttl',
        condition: '#until > :now',
        names: { '#until': 'until', '#ttl': 'ttl' },
        values: { ':now': N(nowMs()), ':ttl': ttl(nowMs(), 0) },
      });
      return ended !== undefined;
    },

    async list(tenant, after, limit) {
      const page = await table.page({
        ...queryOf(tenant),
        Limit: limit,
        ...(after === undefined ? {} : { ExclusiveStartKey: { tenant: S(tenant), part: S(after) } }),
      });
      const next = page.next === undefined ? undefined : string(page.next, 'part');
      return {
        bans: page.items.map(banFrom).filter(isCurrent),
        ...(next === undefined ? {} : { next }),
      };
    },

    async count(tenant, limit) {
      const query = { ...queryOf(tenant), ConsistentRead: false, Select: 'COUNT', Limit: limit } as const;
      let count = 0;
      let start: Item | undefined;
      do {
        const page = await table.page(start === undefined ? query : { ...query, ExclusiveStartKey: start });
        count += page.count;
        start = page.next;
      } while (start !== undefined && count < limit);
      return count;
    },
  };
}

/** A client identifier may be longer than a sort key. */
function banKey({ tenant, clientId }: ClientKey): Item {
  const hash = createHash('sha256').update(clientId).digest('base64url');
  return { tenant: S(tenant), part: S(banPrefix + hash) };
}

function banFrom(stored: Item): Ban {
  return modelFrom(banFields, stored);
}
