import type { ReasonName } from '../../core/reasons.ts';

/** Exit codes of `wisp`. */
export const exitCodes = { ok: 0, failed: 1, usage: 2 } as const;

/** A failure that the user can fix. The message is one line that says how. */
export class UserError extends Error {
  readonly code: ReasonName;
  readonly exitCode: number;
  override readonly name = 'UserError';

  constructor(code: ReasonName, message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.exitCode = options.exitCode ?? exitCodes.failed;
  }
}
