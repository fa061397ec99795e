import { createHash } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { RevocationTarget } from '../core/model.ts';
import type { RevocationStore } from '../core/store-ports/revocations.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Item, known, N, number, optionalNumber, S, ttl, version } from './attributes.ts';
import { getBatch, Table } from './table.ts';
import { copyKey, liveCopies } from './tenant-live.ts';

export const revokedPrefix = 'revoked#';

/**
 * Table Tenants: `tenant` / `revoked#token#…`, `revoked#subject#…`, `revoked#client#…`,
 * `revoked#tenant` → time of the revocation. Names may be longer than a sort key, so the key
 * contains their hash.
 *
 * The entry is written first, then the copies of the tenant's row are raised: a reader of a raised
 * row finds the entry. A crash between the copies leaves some of them unchanged; the caller has had
 * no answer and revokes again. All copies end at one value above every earlier one. So every
 * connection is checked again, whichever copy it was last checked against.
 */
export function createRevocationStore(client: DynamoDBClient, tableName: string): RevocationStore {
  const table = new Table(client, tableName);
  const copies = (tenant: TenantId) => Array.from({ length: liveCopies }, (_, copy) => copyKey(tenant, copy));

  async function raise(tenant: TenantId, atMs: number): Promise<boolean> {
    for (let revokedAtMs = atMs; ; ) {
      const raised = await Promise.all(
        copies(tenant).map((key) =>
          table.update(key, {
            update: 'SET revoked = :at',
            condition: 'attribute_exists(tenant) AND (attribute_not_exists(revoked) OR revoked < :at)',
            values: { ':at': N(revokedAtMs) },
          }),
        ),
      );
      if (raised.every((result) => result !== undefined)) return true;
      const now = await Promise.all(copies(tenant).map((key) => table.get(key, true)));
      if (now.some((row) => row === undefined)) return false;
      revokedAtMs = Math.max(...now.map((row) => (row && optionalNumber(row, 'revoked')) ?? 0)) + 1;
    }
  }

  return {
    async revoke(tenant, target, atMs, keepSeconds) {
      if ((await table.get(copyKey(tenant, 0), true)) === undefined) return false;
      await table.update(entryKey(tenant, target), {
        update: `SET #at = :at, v = :v${keepSeconds === undefined ? ' REMOVE #ttl' : ', #ttl = :ttl'}`,
        condition: 'attribute_not_exists(#at) OR #at <= :at',
        names: { '#at': 'at', '#ttl': 'ttl' },
        values: {
          ':at': N(atMs),
          ':v': version,
          ...(keepSeconds === undefined ? {} : { ':ttl': ttl(atMs, keepSeconds) }),
        },
      });
      return raise(tenant, atMs);
    },

    async latest(tenant, targets) {
      const found = await getBatch(client, {
        [tableName]: { Keys: targets.map((target) => entryKey(tenant, target)), ConsistentRead: true },
      });
      const times = (found[tableName] ?? []).map((row) => number(known(row), 'at'));
      return times.length === 0 ? undefined : Math.max(...times);
    },
  };
}

function entryKey(tenant: TenantId, target: RevocationTarget): Item {
  return { tenant: S(tenant), part: S(`${revokedPrefix}${nameOf(target)}`) };
}

function nameOf(target: RevocationTarget): string {
  switch (target.kind) {
    case 'token':
      return `token#${hash(target.tokenId)}`;
    case 'subject':
      return `subject#${hash(target.subject)}`;
    case 'client':
      return `client#${hash(target.clientId)}`;
    case 'tenant':
      return 'tenant';
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
