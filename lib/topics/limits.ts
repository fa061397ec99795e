/** Limits of topic names and filters. A packet beyond them is refused, never truncated. */
export const topicLimits = {
  /**
   * UTF-8 bytes of a topic name, and of a topic filter including `$share/name/`. The topic of a
   * retained message is a DynamoDB sort key, which has at most 1,024 bytes; the difference is for
   * prefixes. MQTT allows 65,535.
   */
  maxBytes: 1_000,
  /**
   * Levels of a topic name. A topic fits at most one filter per shape, so its depth costs a publish
   * little; with a large audience its own shape joins those of the tenant.
   */
  maxNameLevels: 64,
  /**
   * Levels of a topic filter (`a/b` has 2). The shape of a subscription has as many
   * elements, and every publish fits its topic into every shape of its tenant: this bounds the work
   * and the row of shapes. Four times the limit of AWS IoT Core.
   */
  maxLevels: 32,
} as const;
