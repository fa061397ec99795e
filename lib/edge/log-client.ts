import { logRefusal, type NotingContext } from '../limits/refusals.ts';
import { logClient } from '../listeners/log-client.ts';
import { type ListenerLogEntry, type ListenerRefusal, listenerRefusals } from '../listeners/options.ts';

const refusals: ReadonlySet<string> = new Set(listenerRefusals);
const none: ReadonlySet<string> = new Set();

/**
 * Logs what the listeners of an edge report of a client. Refusals share the bound of log lines with
 * those of the broker; they are counted where the listener reports them.
 */
export function logEdgeClient(context: NotingContext, entry: ListenerLogEntry): void {
  const { event, transport, address, code: status, error, said } = entry;
  if (!isRefusal(event)) {
    logClient(context.log, 'edge', none, entry);
    return;
  }
  const reason = [transport, error, said].filter((text) => text !== undefined).join(': ');
  logRefusal(context, {
    code: event,
    what: 'connection',
    reason,
    ...(address === undefined ? {} : { address }),
    ...(status === undefined ? {} : { status }),
  });
}

function isRefusal(event: ListenerLogEntry['event']): event is ListenerRefusal {
  return refusals.has(event);
}
