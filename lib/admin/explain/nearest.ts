import { matches } from '../../topics/index.ts';

/** A filter that does not match a topic, and where it fails to. */
export interface NearFilter {
  readonly filter: string;
  /** The first level that differs, from 1. */
  readonly level: number;
  readonly text: string;
}

/** Filters that are shown as the nearest. */
const maxNearest = 3;

/** Of filters that do not match the topic, those that agree with it in the most first levels. */
export function nearestFilters(filters: readonly string[], topic: string): NearFilter[] {
  return [...new Set(filters)]
    .filter((filter) => !matches(filter, topic))
    .map((filter) => difference(filter, topic))
    .sort((one, other) => other.level - one.level || isShort(one) - isShort(other))
    .slice(0, maxNearest);
}

/** 1 where the filter has ended before it differed. */
function isShort({ filter, level }: NearFilter): number {
  return filter.split('/').length < level ? 1 : 0;
}

function difference(filter: string, topic: string): NearFilter {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  const isWildcard = wanted[0] === '+' || wanted[0] === '#';
  if (isWildcard && topic.startsWith('$'))
    return {
      filter,
      level: 1,
      text: 'a filter that begins with a wildcard matches no topic that begins with "$"',
    };
  for (const [index, level] of wanted.entries()) {
    const found = levels[index];
    if (level === '#' || (level === '+' && found !== undefined)) continue;
    if (level === found) continue;
    const has = found === undefined ? 'the topic has ended' : `the topic has "${found}"`;
    return { filter, level: index + 1, text: `the filter has "${level}", ${has}` };
  }
  const level = wanted.length + 1;
  return { filter, level, text: `the filter has ended, the topic has "${levels[wanted.length] ?? ''}"` };
}
