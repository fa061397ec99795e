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

/**
 * Tuple-space search (Srinivasan, Suri, Varghese, SIGCOMM 1999): filters are looked up, not
 * scanned. The shape of a filter tells which levels are literal; a topic fitted into a shape gives
 * the only filter of that shape that can match it.
 */

interface ParsedShape {
  /** For each level before `#`: whether it is `+`. */
  readonly wildcard: readonly boolean[];
  readonly endsInHash: boolean;
  readonly begins: 'wildcard' | 'literal' | 'reserved';
}

/**
 * Parsed shapes by text. Quotas bound the shapes of a tenant; this bound limits the memory of a
 * long-lived process.
 */
const parsedShapes = new Map<string, ParsedShape>();
const maxParsedShapes = 4_096;

/**
 * The shape of a valid filter: `=` for each literal level, `+` and `#` unchanged: `devices/+/cmd` →
 * `=/+/=`. A filter without wildcards has a shape too (`a/b` → `=/=`), so that a tenant without
 * such filters pays for no query for them.
 *
 * A first level that begins with `$` is `$` in the shape (`$SYS/+` → `$/+`): presence and other
 * `$` topics pay for no query for ordinary filters, nor the other way round.
 */
export function shapeOf(filter: string): string {
  const shape = undividedShapeOf(filter);
  return filter.startsWith('$') ? `$${shape.slice(1)}` : shape;
}

/** The shape that earlier releases gave a filter: `=` for a first level with `$` too. */
export function undividedShapeOf(filter: string): string {
  return filter
    .split('/')
    .map((level) => (level === '+' || level === '#' ? level : '='))
    .join('/');
}

/**
 * Every filter that can match `topic` and has one of `shapes`: one per shape of fitting length (`#`
 * stands for zero or more levels), in the order of `shapes`, without duplicates. The topic must be
 * valid. A topic that begins with `$` has no candidate that begins with a wildcard. [MQTT-4.7.2-1
 * v3+v5]
 *
 * @param dollarApart whether every filter that begins with `$` has a shape that does so too. If
 *   not, the shapes of ordinary filters are fitted to `$` topics as well.
 */
export function candidateFilters(shapes: Iterable<string>, topic: string, dollarApart = true): string[] {
  const unique = shapes instanceof Set ? (shapes as Set<string>) : new Set(shapes);
  const levels = topic.split('/');
  const reserved = topic.startsWith('$');
  const filters: string[] = [];
  for (const text of unique) {
    const shape = parsedShapes.get(text) ?? parse(text);
    const { wildcard, begins } = shape;
    if (shape.endsInHash ? wildcard.length > levels.length : wildcard.length !== levels.length) continue;
    if (reserved ? begins === 'wildcard' || (dollarApart && begins === 'literal') : begins === 'reserved')
      continue;
    let filter = '';
    for (let i = 0; i < wildcard.length; i++) {
      if (i > 0) filter += '/';
      filter += wildcard[i] ? '+' : levels[i];
    }
    if (shape.endsInHash) filter += wildcard.length > 0 ? '/#' : '#';
    filters.push(filter);
  }
  // Only undivided shapes give the same filter twice, as `=/+` and `$/+` do.
  return reserved && !dollarApart ? [...new Set(filters)] : filters;
}

function parse(text: string): ParsedShape {
  const elements = text.split('/');
  const endsInHash = elements[elements.length - 1] === '#';
  if (endsInHash) elements.pop();
  const wildcard = elements.map((element) => element === '+');
  const begins = (wildcard[0] ?? true) ? 'wildcard' : elements[0] === '$' ? 'reserved' : 'literal';
  const shape: ParsedShape = { wildcard, endsInHash, begins };
  if (parsedShapes.size >= maxParsedShapes) parsedShapes.clear();
  parsedShapes.set(text, shape);
  return shape;
}
