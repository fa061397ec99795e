import type { Log } from '../../lib/core/ports.ts';

const ignore = (): void => {};

/** A log that keeps nothing, for tests of a part that needs one. */
export const silentLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  count: ignore,
  countRefusal: ignore,
};
