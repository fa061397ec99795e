import {
  type BridgeOptions,
  type BridgeRefusal,
  bridgeRefusals,
  listenerRefusals,
  logClient,
} from '../bridge/index.ts';
import type { Log, LogFields } from '../core/ports.ts';
import type { ReasonName } from '../core/reasons.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LocalLog extends Log {
  /** Counters by name, since the process started. */
  readonly counters: ReadonlyMap<string, number>;
  readonly refusals: ReadonlyMap<ReasonName, number>;
}

/** Writes entries at or above `level` as lines of JSON. Keeps counters in memory. */
export function createLocalLog(level: LogLevel, write: (line: string) => void): LocalLog {
  const counters = new Map<string, number>();
  const refusals = new Map<ReasonName, number>();
  const threshold = logLevels.indexOf(level);
  function at(entryLevel: LogLevel) {
    const shown = logLevels.indexOf(entryLevel) >= threshold;
    return (message: string, fields?: LogFields): void => {
      if (!shown) return;
      write(JSON.stringify({ time: new Date().toISOString(), level: entryLevel, message, ...fields }));
    };
  }
  return {
    counters,
    refusals,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    count: (metric, value = 1) => {
      counters.set(metric, (counters.get(metric) ?? 0) + value);
    },
    countRefusal: (code, value = 1) => {
      refusals.set(code, (refusals.get(code) ?? 0) + value);
    },
  };
}

const refusals: ReadonlySet<string> = new Set(bridgeRefusals);
const listeners: ReadonlySet<string> = new Set(listenerRefusals);

function isOwnRefusal(event: string): event is BridgeRefusal {
  return refusals.has(event) && !listeners.has(event);
}

/** Logs and counts what happens to clients of a bridge. */
export function bridgeLog(
  log: Pick<Log, 'debug' | 'info' | 'countRefusal'>,
): Required<Pick<BridgeOptions, 'log' | 'refused'>> {
  return {
    // Called for all refusals of listeners, also those that are not logged.
    refused: (code) => log.countRefusal(code),
    log(entry) {
      if (isOwnRefusal(entry.event)) log.countRefusal(entry.event);
      logClient(log, 'bridge', refusals, entry);
    },
  };
}
