import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionAddress } from '../../../lib/core/model.ts';
import { ItemVersionError } from '../../../lib/store/attributes.ts';
import type { TableKind } from '../../../lib/store/schema.ts';
import type { World } from '../world.ts';
import { keyOf } from './samples.ts';
import { createTenant } from './tenants.ts';

const hour = '2026-11-21T06';

/**
 * Items of a newer format version, which an older release finds after a rollback: none is misread.
 * The other contracts contain this case for connections, sessions, queues, subscriptions, retained
 * messages and tenants.
 */
export function versionsContract(name: string, open: () => Promise<World>): void {
  describe(`items of a newer format: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    /** Sets the next format version in all items of a partition that match. */
    async function renew(kind: TableKind, partition: string, matches: RegExp): Promise<void> {
      const items = (await world.items(kind, partition)).filter((item) => matches.test(JSON.stringify(item)));
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) await world.putItem(kind, { ...item, v: { N: '2' } });
    }

    test('chunks of a packet', async () => {
      const address = 'versions-chunk' as ConnectionAddress;
      const { chunks } = world.process();
      const packet = { slot: 7, id: 'p', key: 'key', bytes: 30_000 };
      await chunks.put(address, packet, 0, Uint8Array.of(1));
      await renew('connections', `${address}~7~0`, /./);
      await expect(chunks.read(address, packet, 1)).rejects.toThrow(ItemVersionError);
    });

    test('the chosen member of a share', async () => {
      const key = keyOf(world.tenant(), 'publisher');
      const { shareChoices } = world.process();
      expect(await shareChoices.keep(key, 'share', 'a', undefined)).toBe('a');
      await renew('sessions', `${key.tenant}/${key.clientId}`, /c#/);
      await expect(shareChoices.keep(key, 'share', 'b', undefined)).rejects.toThrow(ItemVersionError);
    });

    test('the owner of a QoS 2 message, and the mark of one that came', async () => {
      const key = keyOf(world.tenant(), 'subscriber');
      const { queue, receivedMarks } = world.process();
      expect(await queue.own(key, 'g', 'id', 1)).toBe(1);
      await receivedMarks.put(key, 'g', 7, 'one');
      await renew('sessions', `${key.tenant}/${key.clientId}`, /[mr]#/);
      await expect(queue.own(key, 'g', 'id', 2)).rejects.toThrow(ItemVersionError);
      await expect(receivedMarks.put(key, 'g', 7, 'other')).rejects.toThrow(ItemVersionError);
    });

    test('revocations', async () => {
      const tenant = await createTenant(world);
      const { revocations } = world.process();
      const target = { kind: 'tenant' } as const;
      await revocations.revoke(tenant, target, 1_000);
      await renew('tenants', tenant, /revoked#/);
      await expect(revocations.latest(tenant, [target])).rejects.toThrow(ItemVersionError);
    });

    test('usage, which is not added to either', async () => {
      const tenant = world.tenant();
      const { usageStore } = world.process();
      await usageStore.addCounts(tenant, hour, { counts: { messagesIn: 1 } });
      await usageStore.addGauges(tenant, { connections: 1 });
      await renew('usage', tenant, /./);
      await expect(usageStore.addCounts(tenant, hour, { counts: { messagesIn: 1 } })).rejects.toThrow(
        ItemVersionError,
      );
      await expect(usageStore.addGauges(tenant, { connections: 1 })).rejects.toThrow(ItemVersionError);
      await expect(usageStore.readGauges(tenant)).rejects.toThrow(ItemVersionError);
      await expect(usageStore.report(tenant, hour, hour)).rejects.toThrow(ItemVersionError);
      for (const item of await world.items('usage', tenant)) {
        expect(item.v).toEqual({ N: '2' });
        expect(item.messagesIn ?? item.connections).toEqual({ N: '1' });
      }
    });

    test('may have attributes that this release does not know', async () => {
      const tenant = await createTenant(world);
      const { tenants, tenantAdmin } = world.process();
      const before = [await tenants.readLive(tenant, true), await tenantAdmin.show(tenant)];
      for (const item of await world.items('tenants', tenant))
        await world.putItem('tenants', { ...item, later: { S: 'x' } });
      expect([await tenants.readLive(tenant, true), await tenantAdmin.show(tenant)]).toEqual(before);
    });

    test('are told of with both versions and what to read', () => {
      expect(new ItemVersionError(2)).toMatchObject({
        code: 'item-version',
        message: 'a stored item has format version 2; this release knows 1: see docs/upgrading.md',
      });
    });
  });
}
