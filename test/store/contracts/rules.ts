import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Rule } from '../../../lib/core/rules.ts';
import { ItemFormatError } from '../../../lib/store/attributes.ts';
import { loseFirstAnswer, recorder, type World } from '../world.ts';
import { subscriptionOf } from './samples.ts';

const filter = 'a/+';

const ruleOf = (name: string, changes: Partial<Rule> = {}): Rule => ({
  name,
  filter,
  send: { form: 'payload' },
  target: { kind: 'webhook', url: 'https://example.com/in' },
  status: 'active',
  retryHours: 24,
  createdAtMs: 1,
  ...changes,
});

/** Rows of rules in tables Tenants and Subscriptions. */
export function rulesContract(name: string, open: () => Promise<World>): void {
  describe(`rules: ${name}`, () => {
    let world: World;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    test('reads what was put, with its revision', async () => {
      const { rules } = world.process();
      const tenant = world.tenant();
      const full = ruleOf('one', {
        where: '{"qos":[1]}',
        send: { form: 'template', template: '{"t": <$.topic>}' },
        status: 'paused',
        owner: 'somebody',
      });
      expect(await rules.put(tenant, full, [], 0)).toBe(1);
      for (const consistent of [true, false])
        expect(await rules.read(tenant, 'one', consistent)).toEqual({
          rule: full,
          revision: 1,
          formerFilters: [],
        });
      expect(await rules.read(tenant, 'two', true)).toBeUndefined();
      expect(await rules.read(world.tenant(), 'one', true)).toBeUndefined();
    });

    test('a change needs the revision that it replaces', async () => {
      const { rules } = world.process();
      const tenant = world.tenant();
      expect(await rules.put(tenant, ruleOf('r'), [], 3)).toBeUndefined();
      expect(await rules.put(tenant, ruleOf('r'), [], 0)).toBe(1);
      expect(await rules.put(tenant, ruleOf('r', { filter: 'b' }), [], 0)).toBeUndefined();
      expect(await rules.put(tenant, ruleOf('r', { filter: 'b' }), [filter], 1)).toBe(2);
      expect(await rules.put(tenant, ruleOf('r', { filter: 'c' }), [], 1)).toBeUndefined();
      expect(await rules.read(tenant, 'r', true)).toMatchObject({
        rule: { filter: 'b' },
        formerFilters: [filter],
      });
      expect(await rules.forgetFormer(tenant, 'r', 1)).toBe(false);
      expect(await rules.forgetFormer(tenant, 'r', 2)).toBe(true);
      expect(await rules.read(tenant, 'r', true)).toMatchObject({ formerFilters: [], revision: 2 });
      expect(await rules.delete(tenant, 'r', 1)).toBe(false);
      expect(await rules.delete(tenant, 'r', 2)).toBe(true);
      expect(await rules.read(tenant, 'r', true)).toBeUndefined();
    });

    test('a put whose answer was lost succeeds with the same revision', async () => {
      const tenant = world.tenant();
      const hooks = loseFirstAnswer('UpdateItem');
      const { rules } = world.process(hooks);
      expect(await rules.put(tenant, ruleOf('r'), [], 0)).toBe(1);
      expect(hooks.lost()).toBe(true);
    });

    test('lists rules by name, page by page, and nothing else of the tenant', async () => {
      const { rules, tenantAdmin, tenants } = world.process();
      const tenant = world.tenant();
      await tenants.addShape(tenant, '=/+', 10);
      for (const one of ['c', 'a', 'b']) await rules.put(tenant, ruleOf(one), [], 0);
      const first = await rules.list(tenant, undefined, 2);
      expect(first.rules.map(({ rule }) => rule.name)).toEqual(['a', 'b']);
      expect(first.more).toBe(true);
      const second = await rules.list(tenant, 'b', 2);
      expect(second.rules.map(({ rule }) => rule.name)).toEqual(['c']);
      expect(second.more).toBe(false);
      expect((await tenantAdmin.list(undefined, 100)).tenants).toEqual([]);
    });

    test('a pause is one write, and a new revision', async () => {
      const hooks = recorder();
      const { rules } = world.process(hooks);
      const tenant = world.tenant();
      expect(await rules.setStatus(tenant, 'r', 'paused')).toBe(false);
      await rules.put(tenant, ruleOf('r'), [], 0);
      hooks.calls.length = 0;
      expect(await rules.setStatus(tenant, 'r', 'paused')).toBe(true);
      expect(hooks.operations).toEqual(['UpdateItem']);
      expect(await rules.setStatus(tenant, 'r', 'paused')).toBe(false);
      expect(await rules.read(tenant, 'r', true)).toMatchObject({ rule: { status: 'paused' }, revision: 2 });
      expect(await rules.put(tenant, ruleOf('r'), [], 1)).toBeUndefined();
    });

    test('the Query for an audience finds rules by name, beside the mark and subscriptions', async () => {
      const hooks = recorder();
      const { rules, subscriptions } = world.process(hooks);
      const tenant = world.tenant();
      await rules.putMatch(tenant, filter, { name: 'two', lane: 'kafka' });
      await rules.putMatch(tenant, filter, { name: 'one', lane: 'common', where: '{"qos":[1]}' });
      await rules.putMatch(tenant, 'b', { name: 'other', lane: 'common' });
      await subscriptions.put(tenant, subscriptionOf('c'));
      await subscriptions.markQueued(tenant, filter, 2_000_000_000_000);
      hooks.calls.length = 0;
      expect(await subscriptions.audience(tenant, filter, { consistent: false, limit: 10 })).toEqual({
        subscriptions: [subscriptionOf('c')],
        rules: [
          { name: 'one', lane: 'common', where: '{"qos":[1]}' },
          { name: 'two', lane: 'kafka' },
        ],
        more: false,
        queuedUntilMs: 2_000_000_000_000,
      });
      expect(hooks.operations).toEqual(['Query']);
      await rules.deleteMatch(tenant, filter, 'one');
      await rules.deleteMatch(tenant, filter, 'one');
      const page = await subscriptions.audience(tenant, filter, { consistent: true, limit: 10 });
      expect(page.rules.map((rule) => rule.name)).toEqual(['two']);
    });

    test.each([0, 1, 2, 9])('with %i rules, a large audience is as large as without', async (count) => {
      const hooks = recorder();
      const { rules, subscriptions } = world.process(hooks);
      const tenant = world.tenant();
      for (let index = 0; index < count; index += 1)
        await rules.putMatch(tenant, filter, { name: `r${index}`, lane: 'common' });
      for (let index = 0; index < 20; index += 1)
        await subscriptions.put(tenant, subscriptionOf(`c-${index}`));
      hooks.calls.length = 0;
      const page = await subscriptions.audience(tenant, filter, { consistent: true, limit: 12 });
      expect(page.subscriptions).toHaveLength(12);
      expect(page.rules).toHaveLength(count);
      expect(page.more).toBe(true);
      expect(page.about).toBeGreaterThan(12);
      expect(hooks.operations).toHaveLength(count > 2 ? 2 : 1);
    });

    test('a row of a later release among the marks is skipped by every reader', async () => {
      const { rules, subscriptions, tenantData } = world.process();
      const tenant = world.tenant();
      const one = subscriptionOf('one');
      const two = subscriptionOf('two', { shareName: 's' });
      for (const subscription of [one, two]) await subscriptions.put(tenant, subscription);
      await rules.putMatch(tenant, filter, { name: 'r', lane: 'common' });
      const later = { filter: { S: `${tenant}/${filter}` }, client: { S: '' }, v: { N: '7' } };
      for (const client of ['!history#1', '!queue', '!rulf', '!zz'])
        await world.putItem('subscriptions', { ...later, client: { S: client } });
      for (const consistent of [true, false]) {
        expect(await subscriptions.audience(tenant, filter, { consistent, limit: 10 })).toEqual({
          subscriptions: [one, two],
          rules: [{ name: 'r', lane: 'common' }],
          more: false,
        });
        const range = subscriptions.range(tenant, filter, { slice: 0, slices: 1 }, consistent);
        const placed: unknown[] = [];
        for await (const { subscription } of range) placed.push(subscription);
        expect(placed).toEqual([one]);
        const members = { perShare: 10, consistent };
        expect(await subscriptions.shareMembers(tenant, filter, members)).toEqual([two]);
      }
      expect(await tenantData.subscribers(tenant, filter, undefined, 10)).toEqual({
        subscriptions: [one, two],
      });
      expect(await subscriptions.queuedUntilMs(tenant, filter)).toBeUndefined();
    });

    test('a rule of a format of a later release is refused', async () => {
      const { rules, subscriptions } = world.process();
      const tenant = world.tenant();
      await rules.put(tenant, ruleOf('r'), [], 0);
      await rules.putMatch(tenant, filter, { name: 'r', lane: 'common' });
      for (const kind of ['tenants', 'subscriptions'] as const) {
        const [row] = await world.items(kind, kind === 'tenants' ? tenant : `${tenant}/${filter}`);
        await world.putItem(kind, { ...row, v: { N: '2' } });
      }
      await expect(rules.read(tenant, 'r', true)).rejects.toThrow(ItemFormatError);
      const audience = subscriptions.audience(tenant, filter, { consistent: true, limit: 10 });
      await expect(audience).rejects.toThrow(ItemFormatError);
    });

    test('the erasure of a tenant finds rules, their rows under all filters, and their records', async () => {
      const { rules, ruleRecords, tenantData } = world.process();
      const tenant = world.tenant();
      await rules.put(tenant, ruleOf('r'), ['b', 'c'], 0);
      for (const one of [filter, 'b', 'c']) await rules.putMatch(tenant, one, { name: 'r', lane: 'common' });
      const bucket = `${tenant}/rule#r`;
      for (const part of ['w#1', 'd#1'])
        await world.putItem('messages', { bucket: { S: bucket }, part: { S: part } });
      await ruleRecords.countFailure({ tenant, rule: 'r' }, { code: 'rule-attempt-failed', atMs: 1 });
      await tenantData.eraseTenant(tenant);
      for (const one of [filter, 'b', 'c'])
        expect(await world.items('subscriptions', `${tenant}/${one}`)).toEqual([]);
      expect(await world.items('tenants', tenant)).toEqual([]);
      expect(await world.items('messages', bucket)).toEqual([]);
    });
  });
}
