import type { ClientKey, ConnectionAddress } from './model.ts';
import type { TenantId } from './tenant-id.ts';

/** A decision about a client that is traced. */
export type TraceStep =
  /** CONNECT was accepted. */
  | 'connect'
  /** The connection has ended: `code` says why. */
  | 'disconnect'
  /** A message of the client may be published. */
  | 'admitted'
  /** A packet or message of the client was refused: `code` says why. */
  | 'refused'
  /** How many clients and rules get a message of the client. */
  | 'matched'
  /** A message of the client fires a rule. */
  | 'rule-fired'
  | 'subscribed'
  | 'unsubscribed'
  /** A message for the client waits in its queue. */
  | 'queued'
  /** A message was handed to the client's connection. */
  | 'posted'
  /** The connection turned out to be closed. */
  | 'gone'
  /** The connection could not be reached. */
  | 'failed'
  /** The client has acknowledged a message. */
  | 'acknowledged'
  /** A message for the client was given up: `code` says why. */
  | 'dropped';

/** What a line says beside time, client, connection and step. Never a payload or a token. */
export interface TraceFields {
  /** Default: the connection of the client that this process has seen last. */
  readonly connection?: string;
  readonly code?: string;
  /** What was refused. */
  readonly what?: string;
  readonly packet?: string;
  readonly topic?: string;
  readonly filter?: string;
  readonly qos?: number;
  readonly retain?: boolean;
  readonly dup?: boolean;
  /** Id of the message: the same for publisher and subscribers. */
  readonly id?: string;
  /** Packet identifiers, as text where there are several: `7`, `7, 8, 9`. */
  readonly packetId?: number | string;
  readonly clients?: number;
  readonly rule?: string;
  readonly count?: number;
  readonly reasonCode?: number;
  readonly by?: string;
  readonly protocol?: string;
  readonly keepAliveSeconds?: number;
  readonly sessionPresent?: boolean;
  readonly reason?: string;
}

export interface TraceLine extends TraceFields {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly client: string;
  readonly step: TraceStep;
  /** Lines of the client that were left out before this one: see `traceLinesPerSecond`. */
  readonly leftOut?: number;
}

/** What a row says of its client. */
export interface TracedRow extends ClientKey {
  readonly address?: ConnectionAddress;
  /** Until when the client is traced, in ms since 1970; absent: it is not. */
  readonly traceUntilMs?: number;
}

/**
 * The traced clients that this process knows, and what it has to tell of them. Rows that are read
 * anyway say who is traced, so a client that is not costs nothing.
 */
export interface Traces {
  /** Takes note of a row that was read or written. */
  see(row: TracedRow): void;
  isTraced(key: ClientKey): boolean;
  /** Adds a line, if the client is traced. What concerns messages with lines is left out. */
  note(key: ClientKey, step: TraceStep, fields?: TraceFields): void;
  /** Takes the lines of all clients, to publish them. */
  take(): readonly { readonly key: ClientKey; readonly lines: readonly TraceLine[] }[];
}

/** The prefix of the topics with lines about a tenant's clients. */
export function traceTopics(tenant: TenantId): string {
  return `$SYS/tenants/${tenant}/trace/`;
}

/** The topic with the lines about a client. */
export function traceTopic({ tenant, clientId }: ClientKey): string {
  return `${traceTopics(tenant)}${clientLevel(clientId)}`;
}

/**
 * A client id as one level of a topic: `/`, `+`, `#`, NUL and `%` are written as `%2F`, `%2B`,
 * `%23`, `%00` and `%25`.
 */
export function clientLevel(clientId: string): string {
  return clientId.replace(/[/+#\0%]/g, encodeURIComponent);
}
