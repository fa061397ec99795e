/**
 * Billed duration of a Lambda invocation in milliseconds: rounded up, at least 1. Measured on the
 * emulator's clock and without cold starts.
 */
export function billedMilliseconds(startedAtMs: number, endedAtMs: number): number {
  return Math.max(1, Math.ceil(endedAtMs - startedAtMs));
}
