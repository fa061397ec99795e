import type { Context } from '../core/context.ts';
import type { StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { shapeOf } from '../topics/index.ts';

/** Rules in one page of a list. */
const rulesPerPage = 100;

/** All rules of a tenant, by name: as many as its quota `rules` allows. */
export async function allRules(context: Context, tenant: TenantId): Promise<readonly StoredRule[]> {
  const found: StoredRule[] = [];
  for (;;) {
    const { rules, more } = await context.rules.list(tenant, found.at(-1)?.rule.name, rulesPerPage);
    found.push(...rules);
    if (!more) return found;
  }
}

/**
 * The shapes of a tenant's rules, by which publishes find them. Rules that wait for their former
 * filters to go count with all of them.
 */
export async function shapesOfRules(context: Context, tenant: TenantId): Promise<ReadonlySet<string>> {
  const rules = await allRules(context, tenant);
  return new Set(rules.flatMap(({ rule, formerFilters }) => [rule.filter, ...formerFilters].map(shapeOf)));
}
