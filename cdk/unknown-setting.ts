export interface UnknownSetting {
  readonly name: string;
  /** The setting that was probably meant; undefined if none is near. */
  readonly nearest?: string;
}

/** Letters that may differ between a misspelt setting and the one that was meant. */
const nearDistance = 3;

/**
 * The first of the names that is no setting. Names of the CDK's own context values contain ":", "/"
 * or "-"; such a name counts only if it resembles a setting, as `alarm-email` does.
 */
export function unknownSetting(
  given: readonly string[],
  settings: readonly string[],
): UnknownSetting | undefined {
  for (const name of given) {
    if (settings.includes(name)) continue;
    const nearest = nearestOf(name, settings);
    if (nearest !== undefined) return { name, nearest };
    if (/^\w+$/.test(name)) return { name };
  }
  return undefined;
}

function nearestOf(name: string, settings: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const ranked = settings
    .map((setting) => ({ setting, distance: editDistance(plain(name), plain(setting)) }))
    .filter(({ distance, setting }) => distance <= Math.min(nearDistance, Math.floor(setting.length / 3)))
    .toSorted((one, other) => one.distance - other.distance);
  return ranked[0]?.setting;
}

/** Letters to insert, delete or replace. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...from].entries()) {
    const next = [line + 1];
    for (const [column, other] of [...to].entries()) {
      const replaced = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
