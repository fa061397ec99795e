import fc from 'fast-check';

/**
 * A small alphabet makes collisions likely; it has neighbours of `/`, `$`, and both sides of the
 * surrogate range.
 */
const characters = ['a', 'b', '!', '0', '.', '%', '\u0001', '\uffff', '\u{10000}', '\u{10ffff}', 'ä'];

const level = fc.array(fc.constantFrom(...characters), { maxLength: 2 }).map((parts) => parts.join(''));

/** Valid topic names, some with `$`, some with empty levels. */
export const topicName = fc
  .tuple(fc.constantFrom('', '', '', '$'), fc.array(level, { minLength: 1, maxLength: 4 }))
  .map(([start, levels]) => start + levels.join('/'))
  .filter((topic) => topic.length > 0);

/** Valid filters without a share. */
export const topicFilter = fc
  .tuple(
    fc.constantFrom('', '', '', '$'),
    fc.array(fc.oneof(level, fc.constant('+'), fc.constantFrom('a', 'b')), { minLength: 1, maxLength: 4 }),
    fc.boolean(),
  )
  .map(([start, levels, hash]) => {
    const first = levels[0] ?? '';
    const text = [first === '+' ? first : start + first, ...levels.slice(1)].join('/');
    return hash ? (text === '' ? '#' : `${text}/#`) : text;
  })
  .filter((filter) => filter.length > 0);

/** The definition of matching, level by level, as reference for the fast versions. */
export function matchesByDefinition(filter: string, topic: string): boolean {
  const f = filter.split('/');
  const t = topic.split('/');
  if (topic.startsWith('$') && (f[0] === '+' || f[0] === '#')) return false;
  const fits = (i: number): boolean => {
    if (f[i] === '#') return true;
    if (i === f.length || i === t.length) return i === f.length && i === t.length;
    return (f[i] === '+' || f[i] === t[i]) && fits(i + 1);
  };
  return fits(0);
}
