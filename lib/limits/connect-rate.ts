import type { Context } from '../core/context.ts';
import { afterConnect } from '../core/session-rules.ts';

/** Clients whose CONNECTs a process counts. When there are more, the least recent is forgotten. */
const maxClients = 50_000;

/** Until when each client's CONNECTs are used up, in ms since 1970, by process. */
const usedUntilMs = new WeakMap<Context, Map<string, number>>();

/**
 * Whether a client may connect, by the attempts that this process has seen. Accepted ones of all
 * processes are in the session row, which `openSession` reads and writes anyway.
 * @param client a name that is unique across tenants.
 */
export function mayConnect(context: Context, client: string): boolean {
  const clients = usedUntilMs.get(context) ?? new Map<string, number>();
  usedUntilMs.set(context, clients);
  const untilMs = afterConnect(context.settings, clients.get(client), context.clock.nowMs());
  if (untilMs === undefined) return false;
  clients.delete(client);
  clients.set(client, untilMs);
  const [oldest] = clients.keys();
  if (clients.size > maxClients && oldest !== undefined) clients.delete(oldest);
  return true;
}
