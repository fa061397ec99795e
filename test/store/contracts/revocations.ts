import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RevocationTarget } from '../../../lib/core/model.ts';
import { liveCopies } from '../../../lib/store/tenant-live.ts';
import { oddNames, type World } from '../world.ts';
import { createTenant } from './tenants.ts';

const wholeTenant = { kind: 'tenant' } as const;
const token = (tokenId: string): RevocationTarget => ({ kind: 'token', tokenId });

/** Revocations in table Tenants. */
export function revocationsContract(name: string, open: () => Promise<World>): void {
  describe(`revocations: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const revokedInCopies = async (tenant: string) =>
      (await world.items('tenants', tenant))
        .filter((row) => row.part?.S?.startsWith('live#'))
        .map((row) => Number(row.revoked?.N));

    test('are found by what they name, and nothing else is', async () => {
      const { revocations } = world.process();
      const [tenant, other] = [await createTenant(world), await createTenant(world)];
      expect(await revocations.latest(tenant, [wholeTenant, token('a')])).toBeUndefined();
      expect(await revocations.revoke(tenant, token('a'), 1_000)).toBe(true);
      expect(await revocations.latest(tenant, [wholeTenant, token('a')])).toBe(1_000);
      const others: RevocationTarget[] = [
        wholeTenant,
        token('b'),
        { kind: 'subject', subject: 'a' },
        { kind: 'client', clientId: 'a' },
      ];
      expect(await revocations.latest(tenant, others)).toBeUndefined();
      expect(await revocations.latest(other, [token('a')])).toBeUndefined();
      await revocations.revoke(tenant, wholeTenant, 3_000);
      expect(await revocations.latest(tenant, [...others, token('a')])).toBe(3_000);
    });

    test.each([...oddNames, ['longer than a key', 'ö'.repeat(1_024)] as const])(
      'take any name: %s',
      async (_, odd) => {
        const { revocations } = world.process();
        const tenant = await createTenant(world);
        for (const target of [
          token(odd),
          { kind: 'subject', subject: odd },
          { kind: 'client', clientId: odd },
        ] as const) {
          expect(await revocations.latest(tenant, [target])).toBeUndefined();
          await revocations.revoke(tenant, target, 5);
          expect(await revocations.latest(tenant, [target])).toBe(5);
        }
        expect(await revocations.latest(tenant, [token(`${odd}x`)])).toBeUndefined();
      },
    );

    test('raise all copies of the row to one value beyond what each was', async () => {
      const { revocations, tenants } = world.process();
      const tenant = await createTenant(world);
      expect((await tenants.readLive(tenant, true))?.revokedAtMs).toBeUndefined();
      let before = 0;
      // Also at the same time, and with clocks that lag.
      for (const atMs of [1_000, 1_000, 500, 2_000]) {
        await revocations.revoke(tenant, token('a'), atMs);
        const copies = await revokedInCopies(tenant);
        expect(copies).toHaveLength(liveCopies);
        expect(new Set(copies).size).toBe(1);
        expect(copies[0]).toBeGreaterThan(before);
        before = copies[0] ?? 0;
        expect((await tenants.readLive(tenant, true))?.revokedAtMs).toBe(before);
      }
      expect(before).toBe(2_000);
      expect(await revocations.latest(tenant, [token('a')])).toBe(2_000);
    });

    test('side by side are all seen', async () => {
      const { revocations } = world.process();
      const tenant = await createTenant(world);
      const names = ['a', 'b', 'c', 'd'];
      await Promise.all(names.map((one) => revocations.revoke(tenant, token(one), 1_000)));
      for (const one of names) expect(await revocations.latest(tenant, [token(one)])).toBe(1_000);
      expect(new Set(await revokedInCopies(tenant)).size).toBe(1);
    });

    test('are kept for good, or as long as asked', async () => {
      const { revocations } = world.process();
      const tenant = await createTenant(world);
      const ttl = async () =>
        (await world.items('tenants', tenant)).find((row) => row.part?.S?.startsWith('revoked#'))?.ttl?.N;
      await revocations.revoke(tenant, token('a'), 1_000_000, 3_600);
      expect(await ttl()).toBe('4600');
      await revocations.revoke(tenant, token('a'), 2_000_000);
      expect(await ttl()).toBeUndefined();
    });

    test('need a tenant, write nothing without one, and go with it', async () => {
      const { revocations, tenantAdmin } = world.process();
      const absent = world.tenant();
      expect(await revocations.revoke(absent, wholeTenant, 1)).toBe(false);
      expect(await world.items('tenants', absent)).toEqual([]);
      const tenant = await createTenant(world);
      for (const target of [wholeTenant, token('a'), token('b')]) await revocations.revoke(tenant, target, 1);
      await tenantAdmin.delete(tenant);
      expect(await world.items('tenants', tenant)).toEqual([]);
    });
  });
}
