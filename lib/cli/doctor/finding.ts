/** What one check of `wisp doctor` found. */
export interface Finding {
  readonly check: string;
  /** `skipped`: could not be checked here; no reason to fail. */
  readonly status: 'ok' | 'failed' | 'skipped';
  /** What was seen, in a few words. */
  readonly detail: string;
  /** What to do; only where something is to be done. */
  readonly advice?: string;
}

/** A finding on one line. */
export function findingLine({ check, status, detail, advice }: Finding): string {
  const line = `${status.padEnd(7)}  ${check}: ${detail}`;
  return advice === undefined ? line : `${line}. ${advice}`;
}

/** Runs a check. An error is a finding too, with the advice that is given. */
export async function examine(check: string, advice: string, run: () => Promise<string>): Promise<Finding> {
  const startedAtMs = performance.now();
  try {
    const seen = await run();
    return { check, status: 'ok', detail: `${seen}, ${Math.round(performance.now() - startedAtMs)} ms` };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { check, status: 'failed', detail: detail.split('\n')[0] ?? '', advice };
  }
}
