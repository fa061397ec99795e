/** In a list of origins: pages of every origin. */
export const everyOrigin = '*';

/** What {@link parseOriginList} reads, for messages. */
export const originListForm =
  '"*", "none", or origins such as https://app.example.com with commas between them';

/**
 * Reads a list of origins as browsers send them: scheme, host and port, without a path. `none` is
 * an empty list.
 *
 * @returns undefined if the text is no such list
 */
export function parseOriginList(text: string): readonly string[] | undefined {
  if (text === 'none') return [];
  const origins = text.split(',').map((origin) => origin.trim());
  return origins.every((origin) => origin === everyOrigin || isOrigin(origin)) ? origins : undefined;
}

export function formatOriginList(origins: readonly string[]): string {
  return origins.length === 0 ? 'none' : origins.join(',');
}

function isOrigin(text: string): boolean {
  try {
    return new URL(text).origin === text && !text.includes('*');
  } catch {
    return false;
  }
}
