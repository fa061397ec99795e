import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, Session } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import { type Refusal, refusal } from '../core/reasons.ts';
import {
  afterConnect,
  countConnect,
  hasEnded,
  mayBeResumed,
  mayGoDirect,
  queueBound,
} from '../core/session-rules.ts';
import { deleteSessionRows } from './end-session.ts';
import { narrowSession } from './narrow-session.ts';

/**
 * Attempts to take a session that other connections of the client keep taking or leaving; a lost
 * attempt is the progress of another. Messages for the session cost no attempt.
 */
const maxAttempts = 20;

export interface Opened {
  readonly session: Session;
  /** Session Present of CONNACK [MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5, MQTT-3.2.2-2 v3]. */
  readonly present: boolean;
  /** The connection that held the session until now. */
  readonly previousAddress?: ConnectionAddress;
  /** Its {@link Session.connectionSequence}; 0 where there was none. */
  readonly previousSequence: number;
}

export interface SessionRequest extends ClientKey {
  readonly address: ConnectionAddress;
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly receiveMaximum: number;
  readonly protocolVersion: Connection['protocolVersion'];
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
  readonly permissions: Permissions;
  /** Subject of the token. */
  readonly subject?: string;
  /**
   * Whether the token names the client identifier, so that its session may be taken from any
   * subject.
   */
  readonly isNamed: boolean;
  readonly maxQueuedMessages?: number;
  readonly maxQueueSeconds?: number;
  /**
   * Whether the tenant may have one more connection; not called where the session is taken over.
   */
  readonly hasRoom: () => Promise<boolean>;
}

/**
 * Makes the connection the holder of its client's session: resumes the session, or starts a new one
 * and deletes the rows of the old one. The client identifier names the session. One conditional
 * write decides between concurrent connections. The caller ends the connection at
 * `previousAddress`.
 *
 * - A session belongs to the subject of its token. A token of another subject takes it only if it
 *   names the client identifier; otherwise its client could end the connection of another, or read
 *   what waits for it.
 * - A takeover adds no connection, so the quota of connections does not apply: the old connection
 *   may be dead without a `$disconnect`.
 * - A session with an expiry of 0 is not resumed, even while a connection holds it. It ends with
 *   that connection: its Will is published, with or without a delay, and its rows are deleted.
 * - A write whose response was lost is recognised by the address in the row.
 * - Subscriptions that the new token does not allow are removed from a resumed session before it is
 *   held.
 * - A resumed session drops all claims: messages that its earlier connection may have received are
 *   sent with DUP.
 *
 * A crash after the write leaves a session that is held by a connection without CONNACK and without
 * a row. The next connection takes it over, or it goes offline when a post finds the connection
 * gone. Rows of an earlier generation count for nothing, so they may be deleted at any time.
 *
 * [MQTT-3.1.3-2 v5, MQTT-3.1.2-4 v5, MQTT-3.1.2-5 v5, MQTT-3.1.2-6 v5, MQTT-3.1.4-4 v5,
 * MQTT-3.1.2-6 v3]
 *
 * @returns a refusal, with nothing written, where the session belongs to another subject (0x85),
 *   changes too often (0x89), its client connects too often (0x9F), or the tenant has too many
 *   connections (0x97).
 */
export async function openSession(context: Context, request: SessionRequest): Promise<Opened | Refusal> {
  let takenFrom: Session | undefined;
  let ended: Session | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const previous = await context.sessions.get(request);
    if (previous !== undefined && previous.address === request.address) {
      if (ended !== undefined) await deleteSessionRows(context, ended);
      return opened(previous, previous.generation !== request.address, takenFrom);
    }
    if (previous !== undefined && !mayTake(previous, request, context.clock.nowMs()))
      return refusal('client-id-taken');
    const connectsUntilMs = afterConnect(context.settings, previous?.connectsUntilMs, context.clock.nowMs());
    if (connectsUntilMs === undefined) return refusal('connect-rate');
    if (previous?.address === undefined && !(await request.hasRoom())) return refusal('too-many-connections');
    const nowMs = context.clock.nowMs();
    const present = previous !== undefined && !request.cleanStart && mayBeResumed(previous, nowMs);
    // Before the session is held: nothing forbidden may be sent to the new connection.
    if (present) await narrowSession(context, { ...request, generation: previous.generation });
    const session = {
      ...(present ? resumedSession(context, previous, request) : newSession(context, previous, request)),
      connectsUntilMs,
      ...countConnect(previous, nowMs),
      ...(previous?.traceUntilMs === undefined ? {} : { traceUntilMs: previous.traceUntilMs }),
    };
    takenFrom = previous?.address === undefined ? undefined : previous;
    ended = present ? undefined : previous;
    if (!(await context.sessions.replace(session, previous))) continue;
    if (ended !== undefined && ended.swept !== true) await deleteSessionRows(context, ended);
    return opened(session, present, takenFrom);
  }
  return refusal('session-busy');
}

/** Whether a token may take the session. One that has ended belongs to nobody. */
function mayTake(session: Session, { subject, isNamed }: SessionRequest, nowMs: number): boolean {
  if (isNamed || session.owner === undefined || session.owner === subject) return true;
  return hasEnded(session, nowMs);
}

function opened(session: Session, present: boolean, takenFrom: Session | undefined): Opened {
  const { address, connectionSequence = 0 } = takenFrom ?? {};
  return {
    session,
    present,
    previousSequence: connectionSequence,
    ...(address === undefined ? {} : { previousAddress: address }),
  };
}

/**
 * Taken from the clock, so it grows even where the row of an earlier session is gone; never
 * decreases.
 */
function nextSequence(context: Context, previous: Session | undefined): number {
  return Math.max((previous?.connectionSequence ?? 0) + 1, context.clock.nowMs());
}

function newSession(context: Context, previous: Session | undefined, request: SessionRequest): Session {
  const sequence = previous?.sequence ?? 0;
  return {
    ...holderFields(request),
    generation: request.address,
    mode: mayGoDirect(request) ? 'direct' : 'queued',
    // Continues the earlier session's numbers: late acknowledgements of it cannot meet new
    // messages.
    sequence,
    recountAtSequence: sequence + queueBound(context.settings, request),
    claimVersion: (previous?.claimVersion ?? 0) + 1,
    connectionSequence: nextSequence(context, previous),
    inFlight: new Set(),
    resent: new Set(),
    opened: new Set(),
  };
}

function resumedSession(context: Context, previous: Session, request: SessionRequest): Session {
  return {
    ...holderFields(request),
    generation: previous.generation,
    mode: 'queued',
    sequence: previous.sequence,
    recountAtSequence:
      request.maxQueuedMessages === previous.maxQueuedMessages
        ? previous.recountAtSequence
        : previous.sequence,
    claimVersion: previous.claimVersion + 1,
    connectionSequence: nextSequence(context, previous),
    inFlight: new Set(),
    resent: new Set([...previous.resent, ...previous.inFlight]),
    opened: previous.opened,
  };
}

function holderFields(request: SessionRequest) {
  const { address, tenant, clientId, expirySeconds, receiveMaximum, protocolVersion } = request;
  const { clientMaxPacketBytes, clientTopicAliasMaximum, maxQueuedMessages, maxQueueSeconds } = request;
  const owner = request.subject ?? (request.isNamed ? '' : undefined);
  return {
    address,
    tenant,
    clientId,
    expirySeconds,
    receiveMaximum,
    protocolVersion,
    clientTopicAliasMaximum,
    ...(owner === undefined ? {} : { owner }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(maxQueuedMessages === undefined ? {} : { maxQueuedMessages }),
    ...(maxQueueSeconds === undefined ? {} : { maxQueueSeconds }),
  };
}
