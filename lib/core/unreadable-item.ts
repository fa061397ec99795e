/**
 * A stored item that this release cannot read: damaged, or of another format version. Reading it
 * again gives the same error, so callers that serve many clients leave the item out instead of
 * retrying. Stores throw subclasses.
 */
export class UnreadableItemError extends Error {
  readonly code: 'item-format' | 'item-version' = 'item-format';
}
