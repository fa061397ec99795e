/**
 * Whether some topic matches both filters. Both must be valid and without `$share/name/`. A filter
 * that begins with a wildcard shares no topic with one that begins with `$`. [MQTT-4.7.2-1 v3+v5]
 */
export function overlaps(first: string, second: string): boolean {
  const a = first.split('/');
  const b = second.split('/');
  if (beginsWithWildcard(a) && second.startsWith('$')) return false;
  if (beginsWithWildcard(b) && first.startsWith('$')) return false;
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    // `x/#` matches `x` too, so `#` also overlaps a filter that ends here.
    if (left === '#' || right === '#') return true;
    if (left === undefined || right === undefined) return left === right;
    if (left !== '+' && right !== '+' && left !== right) return false;
  }
}

function beginsWithWildcard(levels: readonly string[]): boolean {
  return levels[0] === '+' || levels[0] === '#';
}
