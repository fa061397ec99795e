import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type TenantConfig,
  TenantConfigError,
  type TenantId,
  type TenantSummary,
} from '../../../lib/auth/index.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { liveCopies } from '../../../lib/store/tenant-live.ts';
import { loseFirstAnswer, meetAt, recorder, type World } from '../world.ts';

function configOf(changes: Partial<TenantConfig> = {}): TenantConfig {
  return {
    formatVersion: 1,
    status: 'active',
    createdAtMs: 1_767_225_600_000,
    issuers: [{ iss: 'issuer', keys: { kind: 'secret', secret: 'A'.repeat(43) } }],
    ...changes,
  };
}

export async function createTenant(world: World): Promise<TenantId> {
  const tenant = world.tenant();
  await world.process().tenantAdmin.create(tenant, configOf());
  return tenant;
}

/** Shapes that the store must support; a tenant's quota may be lower. */
const maxShapes = 64;

/** Table Tenants: configuration, and the copies of the row that the message path reads. */
export function tenantsContract(name: string, open: () => Promise<World>): void {
  describe(`tenants: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const rowsOf = (tenant: string) => world.items('tenants', tenant);
    const shapesInAllCopies = async (tenant: string): Promise<string[][]> =>
      (await rowsOf(tenant))
        .filter((row) => row.part?.S?.startsWith('live#'))
        .map((row) => (row.shapes?.SS ?? []).toSorted());

    test('creates, shows and loads a tenant', async () => {
      const { tenantAdmin } = world.process();
      const tenant = world.tenant();
      const config = configOf({ issuers: [{ audience: ['a', 'b'], ...configOf().issuers[0] }] as never });
      expect(await tenantAdmin.create(tenant, config)).toBe(true);
      expect(await tenantAdmin.show(tenant)).toEqual(config);
      expect(await tenantAdmin.load(tenant)).toEqual(config);
      expect(await rowsOf(tenant)).toHaveLength(liveCopies + 1);
      for (const row of await rowsOf(tenant)) expect(row.v).toEqual({ N: '1' });
    });

    test('a tenant that exists is not created again', async () => {
      const { tenantAdmin, tenants } = world.process();
      const tenant = await createTenant(world);
      await tenants.addShape(tenant, '=/+', maxShapes);
      expect(await tenantAdmin.create(tenant, configOf({ status: 'suspended' }))).toBe(false);
      expect(await tenantAdmin.show(tenant)).toEqual(configOf());
      expect(await tenants.readLive(tenant, true)).toMatchObject({
        status: 'active',
        shapes: new Set(['=/+']),
      });
    });

    test('of two that create a tenant exactly one wins', async () => {
      const tenant = world.tenant();
      const hooks = meetAt('GetItem', 2);
      const [one, two] = [world.process(hooks), world.process(hooks)];
      const won = await Promise.all([
        one.tenantAdmin.create(tenant, configOf({ createdAtMs: 1 })),
        two.tenantAdmin.create(tenant, configOf({ createdAtMs: 2 })),
      ]);
      expect(won.toSorted()).toEqual([false, true]);
      expect((await world.process().tenantAdmin.show(tenant))?.createdAtMs).toBe(won[0] ? 1 : 2);
    });

    test('creating succeeds although the answer to its last write is lost', async () => {
      const tenant = world.tenant();
      let puts = 0;
      const { after } = loseFirstAnswer('PutItem');
      const { tenantAdmin } = world.process({
        after: (call, response) => {
          puts += call.operation === 'PutItem' ? 1 : 0;
          if (puts > liveCopies) after?.(call, response);
        },
      });
      expect(await tenantAdmin.create(tenant, configOf())).toBe(true);
      expect(puts).toBe(liveCopies + 2);
    });

    test('lists what there is, by name, and forgets what is deleted', async () => {
      const { tenantAdmin, tenants } = world.process();
      const [one, two] = [await createTenant(world), await createTenant(world)];
      const list = async () => {
        const found: TenantSummary[] = [];
        for (let more = true; more; ) {
          const page = await tenantAdmin.list(found.at(-1)?.name, 3);
          found.push(...page.tenants);
          more = page.more;
        }
        return found;
      };
      const listed = await list();
      expect(listed.map((tenant) => tenant.name)).toEqual(listed.map((tenant) => tenant.name).toSorted());
      expect(listed).toContainEqual({ name: one, status: 'active', createdAtMs: 1_767_225_600_000 });
      expect(await tenantAdmin.delete(two)).toBe(true);
      expect(await tenantAdmin.delete(two)).toBe(false);
      expect((await list()).map((tenant) => tenant.name)).not.toContain(two);
      expect(await tenantAdmin.show(two)).toBeUndefined();
      expect(await tenantAdmin.load(two)).toBeUndefined();
      expect(await tenants.readLive(two, true)).toBeUndefined();
      expect(await rowsOf(two)).toEqual([]);
    });

    test('a configuration is read once for many tokens', async () => {
      const calls = recorder();
      const { tenantAdmin } = world.process(calls);
      const tenant = await createTenant(world);
      await tenantAdmin.load(tenant);
      await world.clock.advance(4_999);
      await tenantAdmin.load(tenant);
      expect(calls.operations).toEqual(['GetItem']);
      await world.clock.advance(1);
      await tenantAdmin.load(tenant);
      expect(calls.operations).toEqual(['GetItem', 'GetItem']);
    });

    test('an unknown tenant is asked for each time: it may be created at any moment', async () => {
      const { tenantAdmin } = world.process();
      const tenant = world.tenant();
      expect(await tenantAdmin.load(tenant)).toBeUndefined();
      await world.process().tenantAdmin.create(tenant, configOf());
      expect(await tenantAdmin.load(tenant)).toEqual(configOf());
    });

    test('a change is written once, against the revision that was read', async () => {
      const { tenantAdmin, tenants } = world.process();
      const tenant = await createTenant(world);
      await tenants.addShape(tenant, '=/+', maxShapes);
      expect(await tenantAdmin.read(tenant)).toEqual({ config: configOf(), revision: 1 });
      const changed = configOf({ status: 'suspended', issuers: [], quotas: { shapes: 3 } });
      expect(await tenantAdmin.load(tenant)).toEqual(configOf());
      expect(await tenantAdmin.update(tenant, 1, changed)).toBe(true);
      expect(await tenantAdmin.update(tenant, 1, configOf())).toBe(false);
      expect(await tenantAdmin.read(tenant)).toEqual({ config: changed, revision: 2 });
      expect(await tenantAdmin.load(tenant)).toEqual(changed);
      expect(await tenantAdmin.update(tenant, 2, configOf())).toBe(true);
      expect(await tenants.readLive(tenant, true)).toEqual({
        status: 'active',
        quotas: {},
        shapes: new Set(['=/+']),
        going: new Set(),
        dollarApart: true,
      });
    });

    test('a change reaches every copy that the message path reads', async () => {
      const tenant = await createTenant(world);
      const changed = configOf({ status: 'suspended', quotas: { shapes: 3 } });
      await world.process().tenantAdmin.update(tenant, 1, changed);
      const copies = (await rowsOf(tenant)).filter((row) => row.part?.S?.startsWith('live#'));
      expect(copies.map((row) => [row.status?.S, row.quotas?.S])).toEqual(
        Array(liveCopies).fill(['suspended', '{"shapes":3}']),
      );
    });

    test('of two that change a tenant one has to read again', async () => {
      const tenant = await createTenant(world);
      const updates = await Promise.all([
        world.process().tenantAdmin.update(tenant, 1, configOf({ createdAtMs: 1 })),
        world.process().tenantAdmin.update(tenant, 1, configOf({ createdAtMs: 2 })),
      ]);
      expect(updates.toSorted()).toEqual([false, true]);
    });

    test('a change succeeds although the answer to its write is lost', async () => {
      const tenant = await createTenant(world);
      const { tenantAdmin } = world.process(loseFirstAnswer('UpdateItem'));
      expect(await tenantAdmin.update(tenant, 1, configOf({ status: 'suspended' }))).toBe(true);
      expect((await tenantAdmin.read(tenant))?.revision).toBe(2);
    });

    test('a tenant that is not there is not changed into being', async () => {
      const { tenantAdmin } = world.process();
      const tenant = world.tenant();
      expect(await tenantAdmin.read(tenant)).toBeUndefined();
      expect(await tenantAdmin.update(tenant, 1, configOf())).toBe(false);
      expect(await rowsOf(tenant)).toEqual([]);
    });

    test('a shape is in every copy, once, before it is told of', async () => {
      const { tenants } = world.process();
      const tenant = await createTenant(world);
      expect(await tenants.addShape(tenant, '=/+/=', maxShapes)).toBe(true);
      expect(await tenants.addShape(tenant, '=/+/=', maxShapes)).toBe(true);
      expect(await tenants.addShape(tenant, '#', maxShapes)).toBe(true);
      expect(await shapesInAllCopies(tenant)).toEqual(Array(liveCopies).fill(['#', '=/+/=']));
      expect((await tenants.readLive(tenant, false))?.shapes).toEqual(new Set(['#', '=/+/=']));
    });

    test('a tenant has as many shapes as it may, and keeps those it has', async () => {
      const { tenants } = world.process();
      const tenant = await createTenant(world);
      const shapes = Array.from({ length: maxShapes }, (_, index) => `+${'/='.repeat(index)}`);
      for (const shape of shapes) expect(await tenants.addShape(tenant, shape, maxShapes)).toBe(true);
      expect(await tenants.addShape(tenant, '#', maxShapes)).toBe(false);
      expect(await tenants.addShape(tenant, '+/=', maxShapes)).toBe(true);
      expect((await tenants.readLive(tenant, true))?.shapes).toEqual(new Set(shapes));
    });

    test('shapes are added together as far as there is room', async () => {
      const { tenants } = world.process();
      const tenant = await createTenant(world);
      const shapes = Array.from({ length: maxShapes }, (_, index) => `+${'/='.repeat(index)}`);
      const [first = '', second = ''] = shapes;
      expect(await tenants.addShapes(tenant, [first, second], maxShapes)).toEqual(new Set([first, second]));
      expect(await tenants.addShapes(tenant, shapes, maxShapes)).toEqual(new Set(shapes));
      expect(await tenants.addShapes(tenant, ['#', first], maxShapes)).toEqual(new Set([first]));
      expect(await tenants.addShapes(tenant, [], maxShapes)).toEqual(new Set());
      expect(await shapesInAllCopies(tenant)).toEqual(Array(liveCopies).fill(shapes.toSorted()));
    });

    test('a shape that goes is matched, does not count, and goes for good or comes back', async () => {
      const { tenants } = world.process();
      const tenant = await createTenant(world);
      await tenants.addShapes(tenant, ['=/+', '#', '+'], 3);
      await tenants.markGoing(tenant, ['=/+', '#'], 'm1');
      const live = await tenants.readLive(tenant, true);
      expect(live?.shapes).toEqual(new Set(['=/+', '#', '+']));
      expect(live?.going).toEqual(new Set(['=/+', '#']));
      expect(await tenants.addShapes(tenant, ['=/=', '=/+'], 3)).toEqual(new Set(['=/=', '=/+']));
      expect((await tenants.readLive(tenant, true))?.going).toEqual(new Set(['#']));
      // Another mark stays, and with it the shape.
      await tenants.markGoing(tenant, ['=/='], 'm2');
      await tenants.settleGoing(tenant, [], [{ mark: 'm1', shape: '=/=' }], false);
      const marks = ['=/+', '#'].map((shape) => ({ mark: 'm1', shape }));
      await tenants.settleGoing(tenant, [], marks, false);
      expect(await tenants.readShapes(tenant)).toEqual({
        shapes: new Set(['=/+', '+']),
        going: [{ mark: 'm2', shape: '=/=' }],
        dollarApart: true,
      });
      await tenants.settleGoing(tenant, ['=/='], [{ mark: 'm2', shape: '=/=' }], false);
      expect(await shapesInAllCopies(tenant)).toEqual(Array(liveCopies).fill(['+', '=/+', '=/=']));
      const nobody = world.tenant();
      await tenants.markGoing(nobody, ['='], 'm');
      await tenants.settleGoing(nobody, ['='], [{ mark: 'm', shape: '=' }], true);
      expect(await rowsOf(nobody)).toEqual([]);
    });

    test('of searches for one cause at the same time one begins', async () => {
      const tenant = await createTenant(world);
      const begin = (cause: 'full' | 'routine') =>
        world.process().tenants.beginShapeSearch(tenant, cause, 60_000);
      expect((await Promise.all([begin('full'), begin('full')])).toSorted()).toEqual([false, true]);
      expect(await begin('routine')).toBe(true);
      expect(await begin('routine')).toBe(false);
      expect(await world.process().tenants.beginShapeSearch(tenant, 'full', 0)).toBe(true);
    });

    test('a tenant that may have none gets none', async () => {
      const { tenants } = world.process();
      const tenant = await createTenant(world);
      expect(await tenants.addShape(tenant, '=', 0)).toBe(false);
      await tenants.addShape(tenant, '=', 1);
      expect(await tenants.addShape(tenant, '=', 0)).toBe(true);
    });

    test('shapes added at once are all there', async () => {
      const tenant = await createTenant(world);
      const shapes = ['#', '+', '=/+', '+/=', '=/#', '=/=/#', '=', '+/+'];
      const hooks = meetAt('UpdateItem', shapes.length * liveCopies);
      const added = await Promise.all(
        shapes.map((shape) => world.process(hooks).tenants.addShape(tenant, shape, maxShapes)),
      );
      expect(added.every(Boolean)).toBe(true);
      expect(await shapesInAllCopies(tenant)).toEqual(Array(liveCopies).fill(shapes.toSorted()));
    });

    test('adding a shape again after a lost answer succeeds', async () => {
      const tenant = await createTenant(world);
      const fault = loseFirstAnswer('UpdateItem');
      expect(await world.process(fault).tenants.addShape(tenant, '=', 1)).toBe(true);
      expect(fault.lost()).toBe(true);
    });

    test('a tenant that does not exist gets no shape and no row', async () => {
      const tenant = world.tenant();
      expect(await world.process().tenants.addShape(tenant, '=', maxShapes)).toBe(false);
      expect(await rowsOf(tenant)).toEqual([]);
    });

    test('a suspended tenant reads as such', async () => {
      const { tenantAdmin, tenants } = world.process();
      const tenant = world.tenant();
      await tenantAdmin.create(tenant, configOf({ status: 'suspended' }));
      expect((await tenants.readLive(tenant, true))?.status).toBe('suspended');
    });

    test('reads spread over all copies', async () => {
      const calls = recorder();
      const { tenants } = world.process(calls);
      const tenant = await createTenant(world);
      for (let read = 0; read < 200; read += 1) await tenants.readLive(tenant, false);
      const parts = calls.calls.map(({ input }) => (input.Key as { part: { S: string } }).part.S);
      expect(new Set(parts).size).toBe(liveCopies);
    });

    test.each([
      ['that is no JSON', { config: { S: 'no' } }, ItemFormatError],
      ['without a configuration', { config: { N: '1' } }, ItemFormatError],
      ['of a newer release', { v: { N: '2' } }, ItemFormatError],
      ['that breaks the rules', { config: { S: '{"formatVersion":1}' } }, TenantConfigError],
    ] as const)('a row %s is refused', async (_, change, error) => {
      const tenant = await createTenant(world);
      const meta = (await rowsOf(tenant)).find((row) => row.part?.S === 'meta');
      await world.putItem('tenants', { ...meta, ...change } as Parameters<World['putItem']>[1]);
      await expect(world.process().tenantAdmin.show(tenant)).rejects.toThrow(error);
      await expect(world.process().tenantAdmin.load(tenant)).rejects.toThrow(error);
      // Other contracts list this table too.
      await world.putItem('tenants', meta ?? {});
    });

    test('a message path row of a newer release is refused', async () => {
      const tenant = await createTenant(world);
      for (const row of await rowsOf(tenant)) await world.putItem('tenants', { ...row, v: { N: '2' } });
      await expect(world.process().tenants.readLive(tenant, true)).rejects.toThrow(ItemFormatError);
      for (const row of await rowsOf(tenant)) await world.putItem('tenants', { ...row, v: { N: '1' } });
    });

    test('one tenant never sees another', async () => {
      const { tenants, tenantAdmin } = world.process();
      const [one, two] = [await createTenant(world), await createTenant(world)];
      await tenants.addShape(one, '=/+', maxShapes);
      expect((await tenants.readLive(two, true))?.shapes).toEqual(new Set());
      await tenantAdmin.delete(one);
      expect(await tenantAdmin.show(two)).toEqual(configOf());
    });
  });
}
