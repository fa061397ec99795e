import { createHash, randomBytes } from 'node:crypto';

/**
 * Random texts that open something for a limited time. Only their hashes are kept, so that the time
 * of a look-up tells nothing about them.
 */
export interface Secrets {
  /** A new one: 256 random bits. The oldest makes room when there are too many. */
  issue(): string;
  isValid(secret: string): boolean;
  /** @returns whether it was valid; it is not any more. */
  takeBack(secret: string): boolean;
}

export function createSecrets(options: {
  readonly maxSecrets: number;
  readonly lifetimeMs: number;
  readonly nowMs: () => number;
}): Secrets {
  const { maxSecrets, lifetimeMs, nowMs } = options;
  /** Times of expiry by hash, oldest first. */
  const expiries = new Map<string, number>();
  const isValid = (secret: string): boolean => (expiries.get(hashOf(secret)) ?? 0) > nowMs();
  return {
    issue() {
      for (const [hash, expiresAtMs] of expiries)
        if (expiresAtMs <= nowMs() || expiries.size >= maxSecrets) expiries.delete(hash);
        else break;
      const secret = randomBytes(32).toString('base64url');
      expiries.set(hashOf(secret), nowMs() + lifetimeMs);
      return secret;
    },
    isValid,
    takeBack(secret) {
      const wasValid = isValid(secret);
      expiries.delete(hashOf(secret));
      return wasValid;
    },
  };
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('base64');
}
