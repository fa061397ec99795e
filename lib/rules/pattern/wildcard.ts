import { type Place, TextError } from '../json-text.ts';

/** A text with `*` for any number of characters, cut at each `*`. */
export interface Wildcard {
  /** The value begins with it. */
  readonly first: string;
  /** What follows each `*`; the value ends with the last of them. Empty: there is no `*`. */
  readonly following: readonly Segment[];
}

interface Segment {
  readonly text: string;
  /** Knuth, Morris, Pratt: length of the longest border of each prefix. */
  readonly borders: readonly number[];
}

/**
 * `*` is the wildcard, `\*` an asterisk, `\\` a backslash.
 *
 * @throws TextError for two wildcards in a row and for another character after a backslash, as
 *   EventBridge does.
 */
export function compileWildcard(written: string, place: Place): Wildcard {
  const texts = [''];
  for (let i = 0; i < written.length; i++) {
    const character = written[i];
    if (character === '*') {
      if (written[i + 1] === '*') throw new TextError(place, 'two "*" in a row');
      texts.push('');
      continue;
    }
    if (character === '\\') i++;
    const literal = written[i] ?? '';
    if (character === '\\' && literal !== '*' && literal !== '\\')
      throw new TextError(place, 'expected "*" or "\\" after a backslash');
    texts[texts.length - 1] += literal;
  }
  const [first = '', ...following] = texts;
  return { first, following: following.map((text) => ({ text, borders: bordersOf(text) })) };
}

/** Takes time in proportion to the length of `value`, whatever both are. */
export function fitsWildcard({ first, following }: Wildcard, value: string): boolean {
  const last = following.at(-1);
  if (last === undefined) return value === first;
  const end = value.length - last.text.length;
  if (end < first.length || !value.startsWith(first) || !value.endsWith(last.text)) return false;
  let from = first.length;
  for (const segment of following.slice(0, -1)) {
    from = endOf(segment, value, from, end);
    if (from === -1) return false;
  }
  return true;
}

/** Where the first occurrence of the segment in `value` from `from` to `end` ends; -1: nowhere. */
function endOf({ text, borders }: Segment, value: string, from: number, end: number): number {
  if (text === '') return from;
  let matched = 0;
  for (let i = from; i < end; i++) {
    const unit = value.charCodeAt(i);
    while (matched > 0 && text.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0;
    if (text.charCodeAt(matched) === unit) matched++;
    if (matched === text.length) return i + 1;
  }
  return -1;
}

function bordersOf(text: string): number[] {
  const borders = [0];
  let border = 0;
  for (let i = 1; i < text.length; i++) {
    while (border > 0 && text[i] !== text[border]) border = borders[border - 1] ?? 0;
    if (text[i] === text[border]) border++;
    borders.push(border);
  }
  return borders;
}
