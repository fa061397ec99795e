/**
 * Text of clients as it may be shown on a terminal: control characters, which could move the
 * cursor, and bidirectional ones, which could make a line read differently, as `\uXXXX`. A line of
 * JSON stays the same JSON.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(
    /[\p{Control}\p{Bidi_Control}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
