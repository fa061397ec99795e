import { topicLimits } from './limits.ts';

/**
 * Skip scan: finds the topics that match a wildcard filter in a table that is sorted by topic. Read
 * a page; at a topic that does not match, seek to the next key that can. The order is that of
 * DynamoDB's string sort keys: UTF-8 bytes, which is code point order. `/` (0x2F) is not the lowest
 * byte, so `a!` sorts between `a` and `a/b`.
 */

/** Key range of the matches of a filter: `first` ≤ match ≤ `last`, for a BETWEEN condition. */
export interface ScanRange {
  /** Common prefix of all matches; may be empty. */
  readonly prefix: string;
  readonly first: string;
  /** Absent when the filter begins with a wildcard, because there is no upper bound then. */
  readonly last?: string;
}

/** Topic names never contain U+0000, so this is the lowest character. */
const lowest = '\u0001';
const slash = 0x2f;

/** The range of a valid filter (without `$share/name/`). */
export function scanRange(filter: string): ScanRange {
  const wildcard = filter.search(/[+#]/);
  if (wildcard === -1) return { prefix: filter, first: filter, last: filter };
  if (wildcard === 0) return { prefix: '', first: lowest };
  const parent = filter.slice(0, wildcard - 1);
  // '0' follows '/', so parent + '0' sorts after every topic below the parent.
  const last = `${parent}0`;
  // `a/#` matches `a` itself, which sorts before `a!`, which sorts before `a/`.
  const prefix = filter[wildcard] === '#' ? parent : `${parent}/`;
  return prefix === '' ? { prefix, first: lowest, last } : { prefix, first: prefix, last };
}

/** Order of two topics as DynamoDB sorts them; negative, zero or positive. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return codePointRank(x) - codePointRank(y);
  }
  return a.length - b.length;
}

/** UTF-16 puts surrogates (U+10000 and above) below U+E000–U+FFFF; UTF-8 does not. */
function codePointRank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}

/**
 * The lowest key after `topic` at which a match of `filter` can follow; at most 1,024 bytes;
 * undefined if none can. For a scan that has read a `topic` that does not match; after a match read
 * on. No topic below the result can match; the caller decides whether a seek costs less than
 * reading past them.
 */
export function nextSeek(filter: string, topic: string): string | undefined {
  const levels: Levels = filter
    .split('/')
    .map((level) => (level === '+' || level === '#' ? level : codePoints(level)));
  const points = codePoints(topic);
  const trail = follow(levels, points);
  // The longest common prefix with `topic` gives the lowest key, so the loop starts at the end.
  for (let k = trail.length - 1; k >= 0; k--) {
    const at = trail[k];
    if (at === undefined) continue;
    const next = points[k];
    const tail = next === undefined ? extension(levels, at) : above(levels, at, next);
    if (tail === undefined) continue;
    const seek = String.fromCodePoint(...points.slice(0, k)) + tail;
    // Every match that shares k characters with `topic` begins with `seek`, which is too long for a
    // topic.
    if (Buffer.byteLength(seek) <= topicLimits.maxBytes) return seek;
  }
  return undefined;
}

/** The levels of a filter: a wildcard, or the code points of a literal. */
type Levels = readonly (readonly number[] | '+' | '#')[];

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** A position in a filter: in level `level`, `offset` code points after its start. */
interface Place {
  readonly level: number;
  readonly offset: number;
}

/** Positions after 0, 1, 2 … characters of the topic, as long as the filter can still match. */
function follow(levels: Levels, points: readonly number[]): Place[] {
  const trail: Place[] = [{ level: 0, offset: 0 }];
  for (const point of points) {
    const here = trail[trail.length - 1];
    const next = here && step(levels, here, point);
    if (next === undefined) break;
    trail.push(next);
  }
  return trail;
}

function step(levels: Levels, at: Place, point: number): Place | undefined {
  const level = levels[at.level];
  if (level === '#' || level === '+') {
    if (at.level === 0 && at.offset === 0 && point === 0x24) return undefined;
    if (level === '#' || point !== slash) return { level: at.level, offset: at.offset + 1 };
    return at.level + 1 < levels.length ? { level: at.level + 1, offset: 0 } : undefined;
  }
  const expected = literalPoint(levels, at);
  if (expected !== point) return undefined;
  return point === slash ? { level: at.level + 1, offset: 0 } : { level: at.level, offset: at.offset + 1 };
}

/** The only character that can follow in a literal level: its next one, or the slash after it. */
function literalPoint(levels: Levels, at: Place): number | undefined {
  const level = levels[at.level];
  const inLevel = typeof level === 'object' ? level[at.offset] : undefined;
  return inLevel ?? (at.level + 1 < levels.length ? slash : undefined);
}

/** The lowest continuation, at least one character long, of a topic that ends at `at`. */
function extension(levels: Levels, at: Place): string | undefined {
  const level = levels[at.level];
  if (level === '+' || level === '#') return lowest;
  const point = literalPoint(levels, at);
  return point === undefined ? undefined : continueWith(levels, at, point);
}

/** The lowest continuation whose first character lies above `floor`. */
function above(levels: Levels, at: Place, floor: number): string | undefined {
  const level = levels[at.level];
  if (level !== '+' && level !== '#') {
    const point = literalPoint(levels, at);
    return point === undefined || point <= floor ? undefined : continueWith(levels, at, point);
  }
  let point = nextCodePoint(floor);
  while (point !== undefined && step(levels, at, point) === undefined) point = nextCodePoint(point);
  return point === undefined ? undefined : continueWith(levels, at, point);
}

/** `point`, followed by the characters that the filter determines. */
function continueWith(levels: Levels, at: Place, point: number): string {
  let text = String.fromCodePoint(point);
  let place = step(levels, at, point);
  while (place !== undefined) {
    const level = levels[place.level];
    if (level === '+' || level === '#') break;
    const next = literalPoint(levels, place);
    const parentOfHash = next === slash && levels[place.level + 1] === '#';
    if (next === undefined || parentOfHash) break;
    text += String.fromCodePoint(next);
    place = step(levels, place, next);
  }
  return text;
}

/** The next code point that a text can hold, without surrogates. */
function nextCodePoint(point: number): number | undefined {
  if (point >= 0x10ffff) return undefined;
  return point === 0xd7ff ? 0xe000 : point + 1;
}
