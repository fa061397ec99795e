import { posix } from 'node:path';
import { allRestricted, isFile, pathsOf, type Restricted } from './layers.ts';

/** Levels of folders below a layer's own. Files in deeper folders may import nothing. */
export const deepestFolder = 2;

/**
 * Text of biome.layers.json, which allows each layer its imports and forbids all others. Biome
 * compares the text of an import with the patterns, so each depth of folders has its own. The last
 * pattern that matches decides.
 */
export function allowListsText(): string {
  return `{\n  "overrides": [\n${overrides()
    .map((override) => `    ${JSON.stringify(override)}`)
    .join(',\n')}\n  ]\n}\n`;
}

interface Place {
  readonly layer: Restricted;
  /** A folder or file of the layer. */
  readonly path: string;
}

function overrides(): object[] {
  // Inner folders and files come last, because a later override or pattern wins over an earlier
  // one.
  const places = allRestricted()
    .flatMap((layer) => pathsOf(layer).map((path): Place => ({ layer, path })))
    .sort((a, b) => stepsOf(a.path) - stepsOf(b.path) || (a.path < b.path ? -1 : 1));
  return places.flatMap((place) => {
    const { layer, path } = place;
    const at = (folder: string, file: string): object =>
      override(`${folder}/${file}`, patterns(places, place, folder), message(layer));
    if (isFile(path)) return [at(posix.dirname(path), posix.basename(path))];
    const folders = Array.from({ length: deepestFolder + 1 }, (_, depth) => path + '/*'.repeat(depth));
    return [
      ...folders.map((folder) => at(folder, '*')),
      override(`${folders.at(-1)}/*/**`, ['**'], 'Files this deep have no allow-list: see deepestFolder.'),
    ];
  });
}

/** Patterns for the imports of files in `folder`, which is the folder of `place` or below it. */
function patterns(places: readonly Place[], place: Place, folder: string): string[] {
  const { layer, path } = place;
  const pattern = (target: string): string => {
    const relative = posix.relative(folder, target) || '.';
    return (relative.startsWith('.') ? relative : `./${relative}`) + (isFile(target) ? '' : '/**');
  };
  const allow = (target: string): string[] => [
    `!${pattern(target)}`,
    ...(isFile(target) ? [] : [`${pattern(target)}/../**`]),
  ];
  const isAllowed = (other: Place): boolean =>
    other.layer === layer || layer.knows.includes(other.layer.name);
  const allowed = places.filter(isAllowed);
  const isAround = (other: Place): boolean => folder.startsWith(`${other.path}/`);
  const others = places.filter((other) => other !== place);
  return [
    ...packagePatterns(layer),
    ...(isFile(path) ? [] : ownFolder(stepsOf(folder) - stepsOf(path))),
    // A folder around this one forbids the way out of it, which others then allow.
    ...[...others.filter(isAround), ...others.filter((other) => !isAround(other))].flatMap((other) => {
      if (isAllowed(other)) return allow(other.path);
      const isWithinAllowed = allowed.some((outer) => other.path.startsWith(`${outer.path}/`));
      return isWithinAllowed ? [pattern(other.path)] : [];
    }),
    ...(layer.files ?? []).flatMap(allow),
  ];
}

/**
 * Allows the layer's own folder, which is `depth` levels above the file, but no way out of it by
 * `..`.
 */
function ownFolder(depth: number): string[] {
  return [
    '!./**',
    './**/../**',
    ...(depth === 0 ? [] : ['!../**']),
    ...Array.from({ length: depth }, (_, index) => `${'../'.repeat(index + 1)}*/../**`),
    `${'../'.repeat(depth + 1)}**`,
  ];
}

function packagePatterns({ packages }: Restricted): string[] {
  if (packages === undefined) return ['./**', '../**', '/**', '#*', '#*/**'];
  return [
    '**',
    ...packages.flatMap((name) => (name.endsWith('*') ? [`!${name}`, `!${name}/**`] : [`!${name}`])),
  ];
}

function message({ name, knows, files = [], packages = ['any package'] }: Restricted): string {
  const allowed = [...knows, ...files, ...packages];
  return `${name} imports only from ${allowed.length === 0 ? 'itself' : allowed.join(', ')}. See test/layers/layers.ts.`;
}

function override(includes: string, group: readonly string[], text: string): object {
  const options = { patterns: [{ group, message: text }] };
  return {
    includes: [includes],
    linter: { rules: { style: { noRestrictedImports: { level: 'error', options } } } },
  };
}

function stepsOf(path: string): number {
  return path.split('/').length;
}
