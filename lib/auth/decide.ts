import type { Permissions } from '../core/permissions.ts';
import { covers, isTopicError, matches, parseFilter } from '../topics/index.ts';
import { overlaps } from './overlap.ts';

/** Whether a client may publish to a (valid) topic: the first rule that matches decides, and none means no. */
export function mayPublish(permissions: Permissions, topic: string, qos: number, retain: boolean): boolean {
  for (const rule of permissions) {
    if (rule.action === 'subscribe') continue;
    if (rule.qos !== undefined && !rule.qos.includes(qos)) continue;
    if (rule.retain !== undefined && rule.retain !== retain) continue;
    if (rule.exact ? rule.filter === topic : matches(rule.filter, topic)) return rule.effect === 'allow';
  }
  return false;
}

/**
 * Whether a client may subscribe to a filter; `$share/name/filter` is judged by `filter`. Every topic that it can match
 * must be allowed: one allow rule has to cover it wholly, and a deny rule that comes before and denies any of it
 * refuses it. Two allow rules that cover it only together do not suffice.
 *
 * @param qos the QoS asked for; a rule for other levels does not count.
 */
export function maySubscribe(permissions: Permissions, filter: string, qos: number): boolean {
  const parsed = parseFilter(filter);
  if (isTopicError(parsed)) return false;
  for (const rule of permissions) {
    if (rule.action === 'publish') continue;
    if (rule.qos !== undefined && !rule.qos.includes(qos)) continue;
    if (rule.exact) {
      if (rule.filter === parsed.filter) return rule.effect === 'allow';
    } else if (rule.effect === 'allow') {
      if (covers(rule.filter, parsed.filter)) return true;
    } else if (overlaps(rule.filter, parsed.filter)) {
      return false;
    }
  }
  return false;
}
