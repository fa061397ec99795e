import { decodeBase64 } from '../../wire/base64.ts';

/** Share of its remaining lifetime after which a token is renewed: 80 to 90 %, at random. */
const earliestShare = 0.8;
const shareSpread = 0.1;

/** Pause before a token is renewed that has ended by this machine's clock and tells no `iat`. */
const unknownLifetimeMs = 60_000;

/** A token that ends at once must not make its owner renew in a loop. */
const minDelayMs = 1_000;

/**
 * Milliseconds until a token that has just arrived should be renewed: 80 to 90 % of the lifetime
 * that it has left, so that clients which started together do not renew together. At most `exp`
 * minus `iat` counts, because this machine's clock may be wrong. Undefined without `exp`, or if it
 * is no JWT: such a token is never renewed on a living connection.
 */
export function renewalDelayMs(token: string, nowMs: number, random: () => number): number | undefined {
  const { exp, iat } = readClaims(token);
  if (exp === undefined) return undefined;
  const lifetimeMs = iat === undefined ? undefined : (exp - iat) * 1_000;
  const leftMs = exp * 1_000 - nowMs;
  const countedMs = leftMs > 0 ? Math.min(leftMs, lifetimeMs ?? leftMs) : (lifetimeMs ?? unknownLifetimeMs);
  return Math.max(minDelayMs, countedMs * (earliestShare + shareSpread * random()));
}

/** Whether the token has ended by this machine's clock. */
export function tokenHasEnded(token: string, nowMs: number): boolean {
  const { exp } = readClaims(token);
  return exp !== undefined && exp * 1_000 <= nowMs;
}

/** `exp` and `iat` of a JWT, unverified; nothing of any other text. */
function readClaims(token: string): { readonly exp?: number; readonly iat?: number } {
  try {
    const [, claims = ''] = token.split('.');
    const base64 = claims.replaceAll('-', '+').replaceAll('_', '/');
    const bytes = decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='));
    let text = '';
    // Byte by byte: numbers and names of these claims are ASCII, and React Native has no decoder.
    for (const byte of bytes ?? []) text += String.fromCharCode(byte);
    const { exp, iat } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...(typeof exp === 'number' ? { exp } : {}),
      ...(typeof iat === 'number' ? { iat } : {}),
    };
  } catch {
    return {};
  }
}
