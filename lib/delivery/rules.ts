import type { Context } from '../core/context.ts';
import type { HttpReasonName } from '../core/reasons.ts';
import type { MatchedRule, Rule, RuleLane } from '../core/rules.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { Timer } from '../core/timers.ts';
import { askForShapeSearch, countedShapes, hasShape, makeRoomForShapes } from '../limits/shapes.ts';
import { shapeOf } from '../topics/index.ts';
import { boundReached, type RuleBound } from './rule-bounds.ts';

/** Why a rule is not stored. */
export type RuleRefusal = {
  readonly code: Extract<
    HttpReasonName,
    RuleBound | 'rules-off' | 'rule-kafka-off' | 'rule-shapes-full' | 'rule-changed' | 'rule-leaves'
  >;
};

type RuleRecordsTimer = Extract<Timer, { kind: 'rule-records' }>;

/**
 * How often one call clears some thousands of records: a partition takes 1,000 writes a second, and
 * the admin API answers within 29 s.
 */
const clearsPerRun = 5;

/** The queue and function that serve a rule. */
export function laneOf({ target }: Rule): RuleLane {
  return target.kind === 'kafka' ? 'kafka' : 'common';
}

/**
 * Stores a valid rule, new or changed: the shape of its filter, its row in Tenants, its row in the
 * partition of the filter, by which publishes find it; and deletes the rows of its former filters.
 *
 * The row in Tenants comes before the rows of filters and lists all filters under which one may be.
 * So a crash at any step leaves a rule whose repetition, deletion, or the deletion of its tenant,
 * finds every row. Until then messages fire the rule as before, or as after the change. A message
 * that the old and the new filter match fires it throughout.
 *
 * Two concurrent calls: each reads the row in Tenants again after it has written the row of a
 * filter. So the rows of filters end as the last change requires. If the rule has been deleted
 * meanwhile, the row of its filter is deleted again; a crash just then leaves one whose records are
 * dropped and counted when they are to be delivered. A crash of one of two calls that change the
 * filter may leave rows as it wrote them, until the rule is stored again.
 *
 * Where rules are switched off none is stored: an earlier release may still run, which fails to
 * publish to a topic of a rule. Nor is one for Kafka where the deployment has no queue for it.
 *
 * Bounds: a call that adds a rule, or moves one to another filter, counts the rules before it
 * writes the row in Tenants, and again after it. Where there are too many it takes its change back
 * before publishes find it. So concurrent calls do not get past a bound; one may be refused because
 * of another that is refused as well. A crash between leaves a rule beyond a bound, which no
 * publish finds: it fires as before the call until it is stored again.
 *
 * @param expectedRevision the revision that is replaced, 0 for none; absent: whatever is stored.
 */
export async function putRule(
  context: Context,
  tenant: TenantId,
  rule: Rule,
  expectedRevision?: number,
): Promise<{ readonly revision: number; readonly created: boolean } | RuleRefusal> {
  if (context.ruleQueue === undefined) return { code: 'rules-off' };
  if (!context.ruleQueue.lanes.has(laneOf(rule))) return { code: 'rule-kafka-off' };
  const { maxShapes } = context.settings;
  const live = await context.tenants.readLive(tenant, true);
  const existing = await context.rules.read(tenant, rule.name, true);
  const code = await boundReached(context, tenant, { rule, existing, live });
  if (code !== undefined) return { code };
  if (existing === undefined && (await context.ruleRecords.clear({ tenant, rule: rule.name })))
    return { code: 'rule-leaves' };
  const bound = Math.min(live?.quotas.shapes ?? maxShapes, maxShapes);
  if (!(await addShapeOf(context, tenant, rule.filter, bound))) return { code: 'rule-shapes-full' };

  for (let known = existing; ; known = await context.rules.read(tenant, rule.name, true)) {
    const revision = await context.rules.put(
      tenant,
      rule,
      formerFilters(known, rule.filter),
      expectedRevision ?? known?.revision ?? 0,
    );
    if (revision === undefined && expectedRevision !== undefined) return { code: 'rule-changed' };
    if (revision === undefined) continue;
    if (known?.rule.filter !== rule.filter) {
      const exceeded = await boundReached(context, tenant, { rule, existing: known, live });
      if (exceeded !== undefined) {
        await takeBack(context, tenant, rule, revision, known);
        return { code: exceeded };
      }
    }
    await alignMatches(context, tenant, rule.name);
    return { revision, created: revision === 1 };
  }
}

/** Undoes a change that no row of a filter shows yet, unless the rule has been changed since. */
async function takeBack(
  context: Context,
  tenant: TenantId,
  rule: Rule,
  revision: number,
  before: StoredRule | undefined,
): Promise<void> {
  const { rules } = context;
  if (before === undefined) {
    // A repetition of the same call may have written it.
    await rules.deleteMatch(tenant, rule.filter, rule.name);
    if (await rules.delete(tenant, rule.name, revision)) return;
  } else {
    const changed = { rule, revision, formerFilters: formerFilters(before, rule.filter) };
    await rules.put(tenant, before.rule, formerFilters(changed, before.rule.filter), revision);
  }
  await alignMatches(context, tenant, rule.name);
}

/**
 * Deletes a rule: the rows by which publishes find it, then its row in Tenants, then its records
 * that wait or have failed. Records in the queue are dropped when they are to be delivered.
 *
 * A crash before the row in Tenants is gone leaves a rule that can be deleted again. One after it
 * leaves records; repeating the call deletes them, whether or not the rule exists.
 *
 * @returns whether the rule existed.
 */
export async function deleteRule(
  context: Context,
  tenant: TenantId,
  name: string,
  mayDelete: (stored: StoredRule) => boolean = () => true,
): Promise<boolean> {
  let existed = false;
  for (;;) {
    const stored = await context.rules.read(tenant, name, true);
    if (stored === undefined) break;
    if (!mayDelete(stored)) return false;
    existed = true;
    for (const filter of [stored.rule.filter, ...stored.formerFilters])
      await context.rules.deleteMatch(tenant, filter, name);
    if (await context.rules.delete(tenant, name, stored.revision)) break;
  }
  await eraseRecords(context, { kind: 'rule-records', tenant, rule: name });
  if (existed) await askForShapeSearch(context, tenant);
  return existed;
}

/**
 * Erases records of a deleted rule, and schedules a timer for what one run leaves. Until all are
 * gone no rule of that name is stored ({@link putRule}): it would get the records of the old one.
 */
export async function eraseRecords(context: Context, timer: RuleRecordsTimer): Promise<void> {
  const { tenant, rule } = timer;
  if ((await context.rules.read(tenant, rule, true)) !== undefined) return;
  for (let round = 0; round < clearsPerRun; round += 1)
    if (!(await context.ruleRecords.clear({ tenant, rule }))) return;
  await context.timers.schedule(timer, context.clock.nowMs());
}

/** Writes and deletes the rows of filters until they are as the rule's row in Tenants says. */
async function alignMatches(context: Context, tenant: TenantId, name: string): Promise<void> {
  let written: { readonly filter: string; readonly match: MatchedRule } | undefined;
  for (;;) {
    const stored = await context.rules.read(tenant, name, true);
    if (stored === undefined) {
      if (written !== undefined) await context.rules.deleteMatch(tenant, written.filter, name);
      return;
    }
    const { filter } = stored.rule;
    const match = matchOf(stored.rule);
    if (written?.filter === filter && isSame(written.match, match)) return;
    if (written !== undefined && written.filter !== filter)
      await context.rules.deleteMatch(tenant, written.filter, name);
    await context.rules.putMatch(tenant, filter, match);
    written = { filter, match };
    for (const former of stored.formerFilters) await context.rules.deleteMatch(tenant, former, name);
    if (stored.formerFilters.length > 0) await context.rules.forgetFormer(tenant, name, stored.revision);
  }
}

function matchOf(rule: Rule): MatchedRule {
  const { name, owner, where } = rule;
  return {
    name,
    lane: laneOf(rule),
    ...(where === undefined ? {} : { where }),
    ...(owner === undefined ? {} : { isOwned: true }),
  };
}

function isSame(one: MatchedRule, other: MatchedRule): boolean {
  return one.where === other.where && one.lane === other.lane && one.isOwned === other.isOwned;
}

/** The filters under which the rows of a stored rule may be, without the one that it gets. */
function formerFilters(stored: StoredRule | undefined, filter: string): readonly string[] {
  if (stored === undefined) return [];
  const filters = new Set([stored.rule.filter, ...stored.formerFilters]);
  filters.delete(filter);
  return [...filters];
}

/**
 * Adds the shape of a rule's filter as SUBSCRIBE adds that of a subscription: before the rule is
 * stored, so that publishes find it. Also where the tenant has it, since it may be about to go.
 * @returns false when the tenant has no room for it.
 */
async function addShapeOf(
  context: Context,
  tenant: TenantId,
  filter: string,
  bound: number,
): Promise<boolean> {
  const shape = shapeOf(filter);
  const hasRoom = async (): Promise<boolean> => {
    const live = await context.tenants.readLive(tenant, true);
    return live !== undefined && (hasShape(live, shape) || countedShapes(live) < bound);
  };
  if (!(await hasRoom()) && !((await makeRoomForShapes(context, tenant)) && (await hasRoom()))) return false;
  return context.tenants.addShape(tenant, shape, bound);
}
