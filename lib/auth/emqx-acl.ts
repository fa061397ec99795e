import type { PermissionRule } from '../core/permissions.ts';
import { type Flaw, isObject } from '../core/validation.ts';
import { isGrantFilter } from './claim-path.ts';

/**
 * EMQX's claim `acl` (EMQX documentation, "Access Control List"), in both forms:
 *
 * - list: `[{ permission, action, topic | topics, qos?, retain? }]`, the first matching rule
 *   decides;
 * - lists of allowed filters: `{ pub?, sub?, all? }`.
 *
 * Where no rule matches, Wisp refuses; EMQX would ask its other authorisers.
 */
export function rulesFromAcl(acl: unknown): PermissionRule[] | Flaw {
  if (Array.isArray(acl)) return fromRules(acl);
  return isObject(acl) ? fromLists(acl) : { flaw: '"acl" is neither a list nor an object' };
}

const actions = new Map<unknown, PermissionRule['action']>([
  ['publish', 'publish'],
  ['pub', 'publish'],
  ['subscribe', 'subscribe'],
  ['sub', 'subscribe'],
  ['all', 'all'],
]);
const knownMembers = new Set(['permission', 'action', 'topic', 'topics', 'qos', 'retain']);

function fromRules(acl: readonly unknown[]): PermissionRule[] | Flaw {
  const rules: PermissionRule[] = [];
  for (const [index, entry] of acl.entries()) {
    const at = `"acl" rule ${index + 1}`;
    if (!isObject(entry)) return { flaw: `${at} is not an object` };
    const { permission } = entry;
    if (permission !== 'allow' && permission !== 'deny') return { flaw: `${at}: "permission"` };
    const action = actions.get(entry.action);
    if (action === undefined) return { flaw: `${at}: "action"` };
    const topics = entry.topic === undefined ? entry.topics : [entry.topic];
    if (!Array.isArray(topics)) return { flaw: `${at}: "topic"` };
    const qos = parseQos(entry.qos);
    if (qos === 'flaw') return { flaw: `${at}: "qos"` };
    const retain = parseRetain(entry.retain);
    if (retain === 'flaw') return { flaw: `${at}: "retain"` };

    // Conditions that Wisp cannot evaluate (ipaddr, zone, clientid_re, …) count as unmet in an
    // allow rule and as met in a deny rule.
    const conditional = !Object.keys(entry).every((member) => knownMembers.has(member));
    for (const topic of topics) {
      const parsed = parseTopic(topic);
      if (parsed === undefined) return { flaw: `${at}: "topic" is not a topic filter` };
      if (conditional && permission === 'allow') continue;
      rules.push({
        effect: permission,
        action,
        ...parsed,
        ...(qos === undefined ? {} : { qos }),
        ...(retain === undefined ? {} : { retain }),
      });
    }
  }
  return rules;
}

function fromLists(acl: Readonly<Record<string, unknown>>): PermissionRule[] | Flaw {
  const rules: PermissionRule[] = [];
  for (const member of ['pub', 'sub', 'all'] as const) {
    const topics = acl[member] ?? [];
    if (!Array.isArray(topics)) return { flaw: `"acl.${member}" is not a list` };
    for (const topic of topics) {
      const parsed = parseTopic(topic);
      if (parsed === undefined) return { flaw: `"acl.${member}" holds something else than topic filters` };
      rules.push({ effect: 'allow', action: actions.get(member) ?? 'all', ...parsed });
    }
  }
  return rules;
}

/** `eq a/+`: the filter `a/+` itself, compared as a string. */
function parseTopic(topic: unknown): Pick<PermissionRule, 'filter' | 'exact'> | undefined {
  if (typeof topic !== 'string') return undefined;
  const exact = topic.startsWith('eq ');
  const filter = exact ? topic.slice(3) : topic;
  if (!isGrantFilter(filter)) return undefined;
  return exact ? { filter, exact } : { filter };
}

/** `1`, `[0, 1]`, `"0,1"`, `["0", "1"]`; absent or null: every level. */
function parseQos(value: unknown): readonly number[] | undefined | 'flaw' {
  if (value === undefined || value === null) return undefined;
  const list: unknown[] = typeof value === 'string' ? value.split(',') : [value].flat();
  const levels = list.map((level) => (typeof level === 'string' ? ['0', '1', '2'].indexOf(level) : level));
  const valid = levels.every((level) => level === 0 || level === 1 || level === 2);
  return valid ? (levels as number[]) : 'flaw';
}

/** `true`, `1`, `"1"` … ; absent, null or `"all"`: both. */
function parseRetain(value: unknown): boolean | undefined | 'flaw' {
  if (value === undefined || value === null || value === 'all') return undefined;
  if (value === true || value === 1 || value === '1' || value === 'true') return true;
  if (value === false || value === 0 || value === '0' || value === 'false') return false;
  return 'flaw';
}
