/** Bounds of topic names and filters; beyond them a packet is refused, never cut. */
export const topicLimits = {
  /**
   * UTF-8 bytes of a topic name, and of a topic filter with its `$share/name/` prefix. A retained message's
   * topic is a DynamoDB sort key, and a sort key has at most 1,024 bytes; a few are kept for prefixes
   * (MQTT itself allows 65,535).
   */
  maxBytes: 1_000,
  /**
   * Levels of a topic name or filter (`a/b` has 2). A subscription's shape has as many elements, and every
   * publish fits its topic into every shape of its tenant: this bounds the work, and the row of shapes. Four
   * times what AWS IoT Core allows, so nothing that runs there is refused here.
   */
  maxLevels: 32,
} as const;
