/** Source of what rules put on an event bus, unless the rule names another. */
export const ruleEventSource = 'wisp.rules';

/**
 * Whether a source could pass for that of lifecycle events (lib/aws/event-bus.ts): other tenants
 * read them on the same bus, and patterns of EventBridge may ignore case.
 */
export function isLifecycleSource(source: string): boolean {
  return source.replace(/[^\x21-\x7e]/g, '').toLowerCase() === 'wisp';
}

/** The source of a stored rule: earlier releases took every one, and `wisp` unless named. */
export function eventSourceOf(source: string): string {
  return isLifecycleSource(source) ? ruleEventSource : source;
}
