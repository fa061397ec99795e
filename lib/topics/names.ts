import { topicLimits } from './limits.ts';

/** Why a topic name or filter is refused. The strings are stable: logs, metrics and tests use them. */
export type TopicErrorCode =
  | 'topic-empty'
  | 'topic-null-character'
  | 'topic-ill-formed'
  | 'topic-wildcard'
  | 'topic-too-long'
  | 'topic-too-deep'
  | 'filter-empty'
  | 'filter-null-character'
  | 'filter-ill-formed'
  | 'filter-wildcard-placement'
  | 'filter-too-long'
  | 'filter-too-deep'
  | 'share-name-empty'
  | 'share-name-wildcard'
  | 'share-filter-missing';

/** A refusal. The message never repeats the topic: topics may hold personal data, and messages are logged. */
export interface TopicError {
  readonly code: TopicErrorCode;
  readonly message: string;
  /**
   * MQTT 5.0 reason code: 0x90 Topic Name invalid, 0x8F Topic Filter invalid, or 0x82 Protocol Error for a
   * zero-length topic name (section 3.3.2.1 of 5.0 names that code). MQTT 3.1.1 has no codes for topics: 0x80 in a
   * SUBACK, else the connection is closed.
   */
  readonly reasonCode: 0x82 | 0x8f | 0x90;
}

/** A valid filter; `shareName` is there for a shared subscription, and `filter` is then without `$share/name/`. */
export interface ParsedFilter {
  readonly filter: string;
  readonly shareName?: string;
}

const sharePrefix = '$share/';
const loneSurrogate = /\p{Surrogate}/u;

/** Tells the two answers of {@link parseFilter} apart. */
export function isTopicError(value: ParsedFilter | TopicError | undefined): value is TopicError {
  return value !== undefined && 'code' in value;
}

/**
 * Checks a topic name, as in PUBLISH, a Will or a response topic: at least one character [MQTT-4.7.3-1
 * v3+v5], no U+0000 [MQTT-4.7.3-2 v3+v5], no `+` or `#` [MQTT-3.3.2-2 v3+v5, MQTT-4.7.1-1 v3, MQTT-4.7.0-1 v5], within
 * {@link topicLimits}, which are narrower than the 65,535 bytes of MQTT [MQTT-4.7.3-3 v3+v5]. A PUBLISH of 5.0 with a topic alias may leave the topic out: resolve the alias first.
 */
export function validateTopicName(topic: string): TopicError | undefined {
  if (topic.length === 0) {
    return { code: 'topic-empty', message: 'a topic name has at least one character', reasonCode: 0x82 };
  }
  if (topic.includes('+') || topic.includes('#')) {
    return { code: 'topic-wildcard', message: 'a topic name contains no "+" or "#"', reasonCode: 0x90 };
  }
  return checkText(topic, 'topic');
}

/**
 * Checks a topic filter of SUBSCRIBE, UNSUBSCRIBE or a grant, and takes a shared subscription apart. `#` stands
 * alone in the last level [MQTT-4.7.1-1 v5, MQTT-4.7.1-2 v3], `+` alone in a level [MQTT-4.7.1-2 v5,
 * MQTT-4.7.1-3 v3]; empty levels are levels. `$share/{name}/{filter}` needs a name of at least one character without
 * `/`, `+`, `#`, and a filter [MQTT-4.8.2-1 v5, MQTT-4.8.2-2 v5]; 3.1.1 does not know it, and Wisp gives it the
 * same meaning there. The limits hold for the whole text.
 */
export function parseFilter(text: string): ParsedFilter | TopicError {
  const flaw = text.length === 0 ? emptyFilter : checkText(text, 'filter');
  if (flaw !== undefined) return flaw;
  if (!text.startsWith(sharePrefix)) return checkWildcards(text) ?? { filter: text };

  const nameEnd = text.indexOf('/', sharePrefix.length);
  const shareName = text.slice(sharePrefix.length, nameEnd === -1 ? undefined : nameEnd);
  const filter = nameEnd === -1 ? '' : text.slice(nameEnd + 1);
  if (shareName.length === 0) {
    return filterError(
      'share-name-empty',
      'the share name in "$share/name/filter" has at least one character',
    );
  }
  if (shareName.includes('+') || shareName.includes('#')) {
    return filterError('share-name-wildcard', 'the share name in "$share/name/filter" has no "+" or "#"');
  }
  if (filter.length === 0) {
    return filterError(
      'share-filter-missing',
      'a topic filter must follow the share name: "$share/name/filter"',
    );
  }
  return checkWildcards(filter) ?? { filter, shareName };
}

function checkText(text: string, kind: 'topic' | 'filter'): TopicError | undefined {
  const reasonCode = kind === 'topic' ? 0x90 : 0x8f;
  if (text.includes('\0')) {
    return { code: `${kind}-null-character`, message: `U+0000 is not allowed in a ${kind}`, reasonCode };
  }
  if (loneSurrogate.test(text)) {
    return {
      code: `${kind}-ill-formed`,
      message: `the ${kind} has no UTF-8 form: lone surrogate`,
      reasonCode,
    };
  }
  // A UTF-16 unit has at most three UTF-8 bytes, so most topics need no counting.
  if (text.length * 3 > topicLimits.maxBytes && Buffer.byteLength(text) > topicLimits.maxBytes) {
    const message = `a ${kind} has at most ${topicLimits.maxBytes} UTF-8 bytes`;
    return { code: `${kind}-too-long`, message, reasonCode };
  }
  if (levelCount(text) > topicLimits.maxLevels) {
    return {
      code: `${kind}-too-deep`,
      message: `a ${kind} has at most ${topicLimits.maxLevels} levels`,
      reasonCode,
    };
  }
  return undefined;
}

function checkWildcards(filter: string): TopicError | undefined {
  for (let i = 0; i < filter.length; i++) {
    const character = filter[i];
    if (character !== '+' && character !== '#') continue;
    const beginsLevel = i === 0 || filter[i - 1] === '/';
    const endsLevel = i + 1 === filter.length || (character === '+' && filter[i + 1] === '/');
    if (!beginsLevel || !endsLevel) {
      const rule = character === '+' ? '"+" fills a whole level' : '"#" fills the last level';
      return filterError('filter-wildcard-placement', `misplaced wildcard: ${rule}`);
    }
  }
  return undefined;
}

function levelCount(text: string): number {
  let count = 1;
  for (let i = text.indexOf('/'); i !== -1; i = text.indexOf('/', i + 1)) count++;
  return count;
}

function filterError(code: TopicErrorCode, message: string): TopicError {
  return { code, message, reasonCode: 0x8f };
}

const emptyFilter = filterError('filter-empty', 'a topic filter has at least one character');
