import { topicLimits } from './limits.ts';

const { maxBytes, maxNameLevels, maxLevels } = topicLimits;

/**
 * Why a topic name or filter is refused: stable code, MQTT 5.0 reason code and message. The reason
 * code is 0x90 Topic Name invalid, 0x82 Protocol Error for a zero-length topic name (5.0 section
 * 3.3.2.1), 0x81 Malformed Packet for an ill-formed filter, which ends the connection, or 0x8F
 * Topic Filter invalid for a filter that is well-formed but not accepted (5.0 section 3.9.3). MQTT
 * 3.1.1 has no codes for topics: 0x80 in a SUBACK, else the connection is closed.
 */
export const topicErrors = {
  'topic-empty': { reasonCode: 0x82, message: 'a topic name has at least one character' },
  'topic-null-character': { reasonCode: 0x90, message: 'U+0000 is not allowed in a topic name' },
  'topic-ill-formed': { reasonCode: 0x90, message: 'the topic name has no UTF-8 form: lone surrogate' },
  'topic-wildcard': { reasonCode: 0x90, message: 'a topic name contains no "+" or "#"' },
  'topic-too-long': { reasonCode: 0x90, message: `a topic name has at most ${maxBytes} UTF-8 bytes` },
  'topic-too-deep': { reasonCode: 0x90, message: `a topic name has at most ${maxNameLevels} levels` },
  'filter-empty': { reasonCode: 0x81, message: 'a topic filter has at least one character' },
  'filter-null-character': { reasonCode: 0x81, message: 'U+0000 is not allowed in a topic filter' },
  'filter-ill-formed': { reasonCode: 0x81, message: 'the topic filter has no UTF-8 form: lone surrogate' },
  'filter-wildcard-placement': {
    reasonCode: 0x81,
    message: 'misplaced wildcard: "+" fills a whole level, "#" fills the last level',
  },
  'filter-too-long': { reasonCode: 0x8f, message: `a topic filter has at most ${maxBytes} UTF-8 bytes` },
  'filter-too-deep': { reasonCode: 0x8f, message: `a topic filter has at most ${maxLevels} levels` },
  'share-name-empty': {
    reasonCode: 0x81,
    message: 'the share name in "$share/name/filter" has at least one character',
  },
  'share-name-wildcard': {
    reasonCode: 0x81,
    message: 'the share name in "$share/name/filter" has no "+" or "#"',
  },
  'share-filter-missing': {
    reasonCode: 0x81,
    message: 'a topic filter must follow the share name: "$share/name/filter"',
  },
} as const satisfies Readonly<Record<string, { readonly reasonCode: number; readonly message: string }>>;

export type TopicErrorCode = keyof typeof topicErrors;

/**
 * A refusal. The message never repeats the topic: topics may hold personal data, and messages are
 * logged.
 */
export interface TopicError {
  readonly code: TopicErrorCode;
  readonly message: string;
  readonly reasonCode: (typeof topicErrors)[TopicErrorCode]['reasonCode'];
}

export function topicError(code: TopicErrorCode): TopicError {
  return { code, ...topicErrors[code] };
}

/** Whether a filter breaks the grammar of the specification, not only a limit of Wisp. */
export function isIllFormedFilter({ reasonCode }: TopicError): boolean {
  return reasonCode === 0x81;
}
