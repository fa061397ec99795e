/** What Lambda bills for one invocation: milliseconds begun, at least one; on the emulator's clock, without any cold start. */
export function billedMilliseconds(startedAtMs: number, endedAtMs: number): number {
  return Math.max(1, Math.ceil(endedAtMs - startedAtMs));
}
