import { type RenewalClock, systemClock } from './options.ts';

/** A renewal by a reconnect waits at most this long for acknowledgements that are under way. */
const maxDrainMs = 10_000;

export interface Drain {
  /** To be called whenever something has been acknowledged. */
  check(): void;
  cancel(): void;
}

/** Calls `act` once: when `isDrained` says so, at once or at a check, or after 10 seconds. */
export function whenDrained(
  isDrained: () => boolean,
  act: () => void,
  clock: RenewalClock = systemClock,
): Drain {
  let isOver = false;
  const cancel = () => {
    isOver = true;
    clock.clearTimeout(timer);
  };
  const finish = () => {
    if (isOver) return;
    cancel();
    act();
  };
  const timer = clock.setTimeout(finish, maxDrainMs);
  const check = () => {
    if (isDrained()) finish();
  };
  check();
  return { check, cancel };
}
