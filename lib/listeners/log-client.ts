import type { ListenerLogEntry } from './options.ts';

type Write = (message: string, fields: Record<string, string | number | undefined>) => void;

/**
 * Logs what happens to a client: refused and ended ones at `info` with the code of the reason, what
 * is usual at `debug` with the event.
 */
export function logClient<Own extends string>(
  log: { readonly info: Write; readonly debug: Write },
  name: string,
  refusals: ReadonlySet<string>,
  { event, code: status, ...details }: ListenerLogEntry<Own>,
): void {
  if (refusals.has(event)) log.info(name, { code: event, status, ...details });
  else log.debug(name, { event, status, ...details });
}
