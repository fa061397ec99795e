/** The longest time that a target may ask for, in seconds: longer ones count as this. */
const maxRetryAfterSeconds = 3_600;

/**
 * The seconds of a Retry-After header, which holds seconds or a date (RFC 9110 section 10.2.3).
 * @returns undefined if there is none, or it is neither.
 */
export function retryAfterSeconds(header: string | undefined, nowMs: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d{1,10}$/.test(text)) return Math.min(Number(text), maxRetryAfterSeconds);
  // Date.parse takes more forms than HTTP has.
  if (!/^[A-Z][a-z]{2,8},? .*(GMT|\d{4})$/.test(text)) return undefined;
  const atMs = Date.parse(text);
  if (Number.isNaN(atMs)) return undefined;
  return Math.min(Math.max(0, Math.ceil((atMs - nowMs) / 1_000)), maxRetryAfterSeconds);
}
