import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { MatchedRule, Rule, RuleLane } from '../core/rules.ts';
import type { RuleStore, StoredRule } from '../core/store-ports/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import {
  type Item,
  ItemFormatError,
  json,
  known,
  N,
  number,
  optionalString,
  S,
  string,
  version,
} from './attributes.ts';
import { boolean, type Fields, itemOf, maybe, modelFrom, text } from './fields.ts';
import { ruleMark, ruleMatchKey } from './subscription-keys.ts';
import { Table } from './table.ts';

const rulePrefix = 'rule#';

/**
 * Table Tenants, `tenant` / `rule#NAME`: a rule as JSON without its status, its revision and former
 * filters. The status and who has paused the rule have attributes of their own, so that a target
 * that is gone pauses its rule by one write.
 *
 * Table Subscriptions, `tenant/filter` / `!rule#NAME`: what a publish needs of the rule. The
 * Queries for subscribers read it (subscriptions.ts).
 */
export function createRuleStore(
  client: DynamoDBClient,
  tables: { readonly tenants: string; readonly subscriptions: string },
): RuleStore {
  const table = new Table(client, tables.tenants);
  const matches = new Table(client, tables.subscriptions);

  return {
    async read(tenant, name, consistent) {
      const found = await table.get(ruleKey(tenant, name), consistent);
      return found === undefined ? undefined : ruleFrom(found);
    },

    async list(tenant, after, limit) {
      const page = await table.page({
        ...rulesQuery(tenant),
        Limit: limit,
        ...(after === undefined ? {} : { ExclusiveStartKey: ruleKey(tenant, after) }),
      });
      return { rules: page.items.map(ruleFrom), more: page.next !== undefined };
    },

    async put(tenant, rule, formerFilters, expected) {
      const { status, pausedBy, ...fields } = rule;
      const stored = S(JSON.stringify(fields));
      const next = expected + 1;
      const set = [
        ...(pausedBy === undefined ? [] : [', pausedBy = :by']),
        ...(formerFilters.length === 0 ? [] : [', former = :former']),
      ].join('');
      const removed = [
        ...(pausedBy === undefined ? ['pausedBy'] : []),
        ...(formerFilters.length === 0 ? ['former'] : []),
      ].join(', ');
      const remove = removed === '' ? '' : ` REMOVE ${removed}`;
      const isNew = expected === 0 ? 'attribute_not_exists(tenant)' : 'revision = :expected';
      const updated = await table.update(ruleKey(tenant, rule.name), {
        update: `SET v = :v, #rule = :rule, #status = :status, revision = :next${set}${remove}`,
        condition: `${isNew} OR (revision = :next AND #rule = :rule AND #status = :status)`,
        names: { '#rule': 'rule', '#status': 'status' },
        values: {
          ':v': version,
          ':rule': stored,
          ':status': S(status),
          ':next': N(next),
          ...(expected === 0 ? {} : { ':expected': N(expected) }),
          ...(pausedBy === undefined ? {} : { ':by': S(pausedBy) }),
          ...(formerFilters.length === 0 ? {} : { ':former': { L: formerFilters.map(S) } }),
        },
      });
      return updated === undefined ? undefined : next;
    },

    async forgetFormer(tenant, name, revision) {
      const updated = await table.update(ruleKey(tenant, name), {
        update: 'REMOVE former',
        condition: 'revision = :revision',
        values: { ':revision': N(revision) },
      });
      return updated !== undefined;
    },

    delete: (tenant, name, revision) =>
      table.deleteIf(ruleKey(tenant, name), {
        condition: 'revision = :revision',
        values: { ':revision': N(revision) },
      }),

    async setStatus(tenant, name, status, by) {
      const isPausedBy = status === 'paused' && by !== undefined;
      const updated = await table.update(ruleKey(tenant, name), {
        update: `SET #status = :status${isPausedBy ? ', pausedBy = :by' : ''}${
          status === 'active' ? ' REMOVE pausedBy' : ''
        } ADD revision :one`,
        condition: `attribute_exists(tenant) AND (#status <> :status${
          isPausedBy ? ' OR attribute_not_exists(pausedBy)' : ''
        })`,
        names: { '#status': 'status' },
        values: { ':status': S(status), ':one': N(1), ...(isPausedBy ? { ':by': S(by) } : {}) },
      });
      return updated !== undefined;
    },

    async putMatch(tenant, filter, rule) {
      await matches.put({ ...ruleMatchKey(tenant, filter, rule.name), ...itemOf(matchFields, rule) });
    },

    async deleteMatch(tenant, filter, name) {
      await matches.delete(ruleMatchKey(tenant, filter, name));
    },
  };
}

/** The fields beside the name, which is in the key. */
const matchFields: Fields<Omit<MatchedRule, 'name'>> = {
  where: maybe(text('where')),
  lane: text<RuleLane>('lane'),
  isOwned: maybe(boolean('owned')),
};

/** @throws ItemFormatError when the row is unreadable. */
export function matchedRuleFrom(stored: Item): MatchedRule {
  return { name: string(stored, 'client').slice(ruleMark.length), ...modelFrom(matchFields, stored) };
}

export function ruleKey(tenant: TenantId, name: string): Item {
  return { tenant: S(tenant), part: S(rulePrefix + name) };
}

/** All rules of a tenant, by name, strongly consistent. */
export function rulesQuery(tenant: TenantId) {
  return {
    KeyConditionExpression: 'tenant = :tenant AND begins_with(part, :prefix)',
    ExpressionAttributeValues: { ':tenant': S(tenant), ':prefix': S(rulePrefix) },
    ConsistentRead: true,
  };
}

/** @throws ItemFormatError when the row is unreadable. */
export function ruleFrom(stored: Item): StoredRule {
  const fields = json(known(stored), 'rule') as Omit<Rule, 'status'>;
  const status = statusFrom(stored);
  // An earlier release that resumes a rule leaves the attribute.
  const isHeld = status === 'paused' && optionalString(stored, 'pausedBy') === 'operator';
  return {
    rule: { ...fields, status, ...(isHeld ? { pausedBy: 'operator' } : {}) },
    revision: number(stored, 'revision'),
    formerFilters: (stored.former?.L ?? []).flatMap(({ S: filter }) =>
      filter === undefined ? [] : [filter],
    ),
  };
}

function statusFrom(stored: Item): Rule['status'] {
  const status = string(stored, 'status');
  if (status !== 'active' && status !== 'paused') throw new ItemFormatError('status');
  return status;
}
