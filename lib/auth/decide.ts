import type { Permissions } from '../core/permissions.ts';
import { covers, isTopicError, matches, parseFilter } from '../topics/index.ts';
import { overlaps } from './overlap.ts';

/**
 * Whether a client may publish to a valid topic. The first rule that matches decides; without one
 * the answer is no.
 */
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
 * Whether a client may subscribe to a filter; for `$share/name/filter` pass `filter`. Every topic
 * that it can match must be allowed: one allow rule must cover the whole filter, and no deny rule
 * before it may overlap the filter. Two allow rules that only together cover it are not enough.
 *
 * @param qos the requested QoS; rules for other levels are ignored.
 * @param isShared whether it is `$share/name/filter`
 */
export function maySubscribe(
  permissions: Permissions,
  filter: string,
  qos: number,
  isShared = false,
): boolean {
  const parsed = parseFilter(filter);
  if (isTopicError(parsed)) return false;
  for (const rule of permissions) {
    if (rule.action === 'publish' || (rule.unshared && isShared)) continue;
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
