const slash = 0x2f;
const plus = 0x2b;
const hash = 0x23;
const dollar = 0x24;

/**
 * Whether a topic name matches a topic filter (without `$share/name/`); both must be valid. `a/#`
 * matches `a` too, and `+` matches an empty level. Walks both strings once and allocates nothing,
 * because it runs for every message.
 *
 * - A filter that begins with a wildcard matches no topic that begins with `$`. [MQTT-4.7.2-1
 *   v3+v5]
 * - Levels are compared by UTF-16 unit, without normalisation. [MQTT-4.7.3-4 v3+v5]
 */
export function matches(filter: string, topic: string): boolean {
  const first = filter.charCodeAt(0);
  if ((first === plus || first === hash) && topic.charCodeAt(0) === dollar) return false;

  let f = 0;
  let t = 0;
  for (;;) {
    const unit = filter.charCodeAt(f);
    if (unit === hash) return true;
    if (unit === plus) {
      f++;
      while (t < topic.length && topic.charCodeAt(t) !== slash) t++;
    } else {
      while (f < filter.length && filter.charCodeAt(f) !== slash) {
        if (t >= topic.length || topic.charCodeAt(t) !== filter.charCodeAt(f)) return false;
        f++;
        t++;
      }
    }
    // Both must be at the end of a level here.
    if (t < topic.length && topic.charCodeAt(t) !== slash) return false;
    if (t >= topic.length) return f >= filter.length || filter.charCodeAt(f + 1) === hash;
    if (f >= filter.length) return false;
    f++;
    t++;
  }
}

/**
 * Whether `grant` matches every topic that `filter` can match. Both must be valid filters without
 * `$share/name/`. `+/#` covers `#`, because a topic has at least one level; `#` does not cover
 * `$SYS/#`. [MQTT-4.7.2-1 v3+v5]
 */
export function covers(grant: string, filter: string): boolean {
  const grantLevels = grant.split('/');
  const filterLevels = filter === '#' ? ['+', '#'] : filter.split('/');
  if (isWildcard(grantLevels[0]) && filter.startsWith('$')) return false;

  for (let i = 0; i < filterLevels.length; i++) {
    const granted = grantLevels[i];
    const asked = filterLevels[i];
    if (granted === '#') return true;
    if (granted === undefined || asked === '#') return false;
    if (granted !== '+' && granted !== asked) return false;
  }
  const next = grantLevels[filterLevels.length];
  return next === undefined || next === '#';
}

function isWildcard(level: string | undefined): boolean {
  return level === '+' || level === '#';
}
