import { escapeControls } from '../core/escape-controls.ts';
import type { ClientKey } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';
import type { Settings } from '../core/settings.ts';
import { type TraceLine, type Traces, traceTopics } from '../core/traces.ts';

/** Characters of a topic, filter or client id that a line shows. */
const maxShownCharacters = 256;
/** Lines of all clients that wait for the end of the invocation. More are left out. */
const maxWaitingLines = 1_000;
/** Traced clients that a process knows. When there are more, the first is forgotten. */
const maxTraced = 1_000;

interface Traced {
  readonly key: ClientKey;
  untilMs: number;
  connection?: string;
  /** The second of the latest line, in s since 1970, and its lines. */
  second: number;
  linesInSecond: number;
  leftOut: number;
  waiting: TraceLine[];
}

/** The traced clients of a process; the lines go to its log at once. */
export function createTraces(
  { clock, log }: Pick<Ports, 'clock' | 'log'>,
  { traceLinesPerSecond }: Pick<Settings, 'traceLinesPerSecond'>,
): Traces {
  const traced = new Map<string, Traced>();
  let waiting = 0;

  const nameOf = ({ tenant, clientId }: ClientKey): string => `${tenant}/${clientId}`;

  function find(key: ClientKey): Traced | undefined {
    if (traced.size === 0) return undefined;
    const name = nameOf(key);
    const found = traced.get(name);
    if (found === undefined || found.untilMs > clock.nowMs()) return found;
    if (found.waiting.length === 0) forget(name, found);
    return undefined;
  }

  function forget(name: string, { waiting: { length } }: Traced): void {
    waiting -= length;
    traced.delete(name);
  }

  /** Whether the client may have one more line now. */
  function takesLine(one: Traced, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000);
    if (second !== one.second) Object.assign(one, { second, linesInSecond: 0 });
    one.linesInSecond += 1;
    if (one.linesInSecond <= traceLinesPerSecond && waiting < maxWaitingLines) return true;
    one.leftOut += 1;
    return false;
  }

  return {
    see({ tenant, clientId, address, traceUntilMs }) {
      if (traceUntilMs === undefined && traced.size === 0) return;
      const key = { tenant, clientId };
      const name = nameOf(key);
      const known = traced.get(name);
      if (traceUntilMs === undefined || traceUntilMs <= clock.nowMs()) {
        // Its lines are still to be published.
        if (known !== undefined) known.untilMs = 0;
        return;
      }
      const one = known ?? { key, untilMs: 0, second: 0, linesInSecond: 0, leftOut: 0, waiting: [] };
      one.untilMs = traceUntilMs;
      if (address !== undefined) one.connection = address;
      traced.set(name, one);
      const [oldest] = traced.entries();
      if (traced.size > maxTraced && oldest !== undefined) forget(...oldest);
    },

    isTraced: (key) => find(key) !== undefined,

    note(key, step, fields = {}) {
      const one = find(key);
      if (one === undefined || fields.topic?.startsWith(traceTopics(key.tenant))) return;
      const nowMs = clock.nowMs();
      if (!takesLine(one, nowMs)) return;
      const { topic, filter } = fields;
      const line: TraceLine = {
        at: new Date(nowMs).toISOString(),
        client: key.clientId,
        ...(one.connection === undefined ? {} : { connection: one.connection }),
        step,
        ...fields,
        ...(topic === undefined ? {} : { topic: cut(topic) }),
        ...(filter === undefined ? {} : { filter: cut(filter) }),
        ...(one.leftOut === 0 ? {} : { leftOut: one.leftOut }),
      };
      one.leftOut = 0;
      one.waiting.push(line);
      waiting += 1;
      const { at: _, ...told } = line;
      log.info('trace', {
        tenant: key.tenant,
        ...told,
        client: escapeControls(line.client),
        ...(line.topic === undefined ? {} : { topic: escapeControls(line.topic) }),
        ...(line.filter === undefined ? {} : { filter: escapeControls(line.filter) }),
      });
    },

    take() {
      if (waiting === 0) return [];
      const taken = [...traced.values()].filter((one) => one.waiting.length > 0);
      waiting = 0;
      return taken.map((one) => {
        const { key, waiting: lines } = one;
        one.waiting = [];
        return { key, lines };
      });
    },
  };
}

function cut(text: string): string {
  return text.length <= maxShownCharacters ? text : `${text.slice(0, maxShownCharacters)}…`;
}

/**
 * The stores of sessions and connections, which tell `traces` what the rows say of their clients.
 */
export function seeTraced(
  { sessions, connections }: Pick<Ports, 'sessions' | 'connections'>,
  traces: Traces,
): Pick<Ports, 'sessions' | 'connections'> {
  return {
    sessions: {
      ...sessions,
      async get(key) {
        const session = await sessions.get(key);
        if (session !== undefined) traces.see(session);
        return session;
      },
      async allocate(key, generation, count) {
        const session = await sessions.allocate(key, generation, count);
        if (session !== undefined) traces.see(session);
        return session;
      },
      routes: (tenant, clientIds) => sessions.routes(tenant, clientIds, (row) => traces.see(row)),
    },
    connections: {
      ...connections,
      async readState(...read) {
        const state = await connections.readState(...read);
        if (state.connection !== undefined) traces.see(state.connection);
        return state;
      },
      async get(address) {
        const connection = await connections.get(address);
        if (connection !== undefined) traces.see(connection);
        return connection;
      },
      create(connection) {
        traces.see(connection);
        return connections.create(connection);
      },
    },
  };
}
