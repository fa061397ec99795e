/**
 * Bounds of rules (docs/limits.md). They bound the work of one message for one rule, and what
 * leaves for its target.
 */
export const ruleLimits = {
  /**
   * UTF-8 bytes of an event pattern: it lies in the row of the rule that every publish to its
   * filter reads, and the rows of eight rules shall not double what such a read costs.
   */
  maxPatternBytes: 512,
  /**
   * Combinations that the alternatives of all `$or` of a pattern give, as in EventBridge.
   */
  maxPatternCombinations: 1_000,
  /**
   * The same for a pattern with `$or` that names a member which is also named beside it: its
   * combinations are compared one by one.
   */
  maxSharedCombinations: 32,
  /** Texts with `wildcard` in a pattern: each walks the whole value. */
  maxPatternWildcards: 10,
  /**
   * Steps of all event patterns for one message on the path of a publish (match.ts), some
   * milliseconds. Usual messages take less than 100. The worker decides about the rules that are
   * left.
   */
  maxMatchSteps: 200_000,
  /** UTF-8 bytes of a template, half of EventBridge's 8,192 characters. */
  maxTemplateBytes: 4_096,
  /** Variables of a template, as in EventBridge. */
  maxTemplateVariables: 100,
  /** Levels of nested objects and lists in a pattern, a template and a payload that is JSON. */
  maxJsonLevels: 32,
  /** Bytes of a payload that patterns and templates read as JSON; parsing takes about 1 ms. */
  maxJsonPayloadBytes: 65_536,
  /** Bytes that a template may give: what SQS, SNS, EventBridge and Lambda's queue all take. */
  maxRenderedBytes: 262_144,
  /** Hours after which a record that cannot be delivered becomes a failure, unless a rule says. */
  defaultRetryHours: 24,
  /** The most hours that a rule may say: four days, the default retention of an SQS queue. */
  maxRetryHours: 96,
  /** Bytes of a rule as JSON: half of an item that costs DynamoDB four read units. */
  maxRuleBytes: 8_192,
  /** Compiled patterns, and compiled templates, that a process keeps. */
  maxCompiledTexts: 1_000,
} as const;
