import { type TopicError, type TopicErrorCode, topicError } from './errors.ts';
import { topicLimits } from './limits.ts';

/**
 * A valid filter. For a shared subscription `shareName` is set, and `filter` lacks the prefix
 * `$share/name/`.
 */
export interface ParsedFilter {
  readonly filter: string;
  readonly shareName?: string;
}

const sharePrefix = '$share/';
const loneSurrogate = /\p{Surrogate}/u;

/** Whether {@link parseFilter} refused the filter. */
export function isTopicError(value: ParsedFilter | TopicError | undefined): value is TopicError {
  return value !== undefined && 'code' in value;
}

/**
 * Checks a topic name, as in PUBLISH, a Will or a response topic. Its limits ({@link topicLimits})
 * are narrower than the 65,535 bytes of MQTT. A PUBLISH of 5.0 with a topic alias may leave the
 * topic out: resolve the alias first.
 *
 * - at least one character [MQTT-4.7.3-1 v3+v5]
 * - no U+0000 [MQTT-4.7.3-2 v3+v5]
 * - no `+` or `#` [MQTT-3.3.2-2 v3+v5, MQTT-4.7.1-1 v3, MQTT-4.7.0-1 v5]
 * - within the limits [MQTT-4.7.3-3 v3+v5]
 */
export function validateTopicName(topic: string): TopicError | undefined {
  if (topic.length === 0) return topicError('topic-empty');
  if (topic.includes('+') || topic.includes('#')) return topicError('topic-wildcard');
  return checkText(topic, topicTextCodes, topicLimits.maxNameLevels);
}

/**
 * Checks a topic filter of SUBSCRIBE, UNSUBSCRIBE or a grant, and splits a shared subscription into
 * share name and filter. Empty levels are levels. {@link topicLimits} hold for the whole text. MQTT
 * 3.1.1 does not define shared subscriptions; Wisp gives `$share/{name}/{filter}` the same meaning
 * there.
 *
 * - `#` stands alone in the last level [MQTT-4.7.1-1 v5, MQTT-4.7.1-2 v3]
 * - `+` stands alone in a level [MQTT-4.7.1-2 v5, MQTT-4.7.1-3 v3]
 * - `$share/{name}/{filter}` has a name of at least one character without `/`, `+` and `#`, and a
 *   filter [MQTT-4.8.2-1 v5, MQTT-4.8.2-2 v5]
 */
export function parseFilter(text: string): ParsedFilter | TopicError {
  const error =
    text.length === 0 ? topicError('filter-empty') : checkText(text, filterTextCodes, topicLimits.maxLevels);
  if (error !== undefined) return error;
  if (!text.startsWith(sharePrefix)) return checkWildcards(text) ?? { filter: text };

  const nameEnd = text.indexOf('/', sharePrefix.length);
  const shareName = text.slice(sharePrefix.length, nameEnd === -1 ? undefined : nameEnd);
  const filter = nameEnd === -1 ? '' : text.slice(nameEnd + 1);
  if (shareName.length === 0) return topicError('share-name-empty');
  if (shareName.includes('+') || shareName.includes('#')) return topicError('share-name-wildcard');
  if (filter.length === 0) return topicError('share-filter-missing');
  return checkWildcards(filter) ?? { filter, shareName };
}

/**
 * Whether the topic name is well-formed and only exceeds {@link topicLimits}. MQTT allows such a
 * name, so a client that sends it breaks no rule.
 */
export function exceedsLimits({ code }: TopicError): boolean {
  return code === 'topic-too-long' || code === 'topic-too-deep';
}

/** The codes of {@link checkText}, written out so that a search finds each of them. */
interface TextCodes {
  readonly nullCharacter: TopicErrorCode;
  readonly illFormed: TopicErrorCode;
  readonly tooLong: TopicErrorCode;
  readonly tooDeep: TopicErrorCode;
}

const topicTextCodes: TextCodes = {
  nullCharacter: 'topic-null-character',
  illFormed: 'topic-ill-formed',
  tooLong: 'topic-too-long',
  tooDeep: 'topic-too-deep',
};

const filterTextCodes: TextCodes = {
  nullCharacter: 'filter-null-character',
  illFormed: 'filter-ill-formed',
  tooLong: 'filter-too-long',
  tooDeep: 'filter-too-deep',
};

function checkText(text: string, codes: TextCodes, maxLevels: number): TopicError | undefined {
  const { maxBytes } = topicLimits;
  if (text.includes('\0')) return topicError(codes.nullCharacter);
  if (loneSurrogate.test(text)) return topicError(codes.illFormed);
  // A UTF-16 unit has at most three UTF-8 bytes, so most topics need no counting.
  if (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes) return topicError(codes.tooLong);
  if (levelCount(text) > maxLevels) return topicError(codes.tooDeep);
  return undefined;
}

function checkWildcards(filter: string): TopicError | undefined {
  for (let i = 0; i < filter.length; i++) {
    const character = filter[i];
    if (character !== '+' && character !== '#') continue;
    const beginsLevel = i === 0 || filter[i - 1] === '/';
    const endsLevel = i + 1 === filter.length || (character === '+' && filter[i + 1] === '/');
    if (!beginsLevel || !endsLevel) return topicError('filter-wildcard-placement');
  }
  return undefined;
}

function levelCount(text: string): number {
  let count = 1;
  for (let i = text.indexOf('/'); i !== -1; i = text.indexOf('/', i + 1)) count++;
  return count;
}
