import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, Session } from '../core/model.ts';
import type { Permissions } from '../core/permissions.ts';
import { hasEnded, mayGoDirect, queueBound } from '../core/session-rules.ts';
import { reasonCodes } from '../mqtt/index.ts';
import { deleteRemains } from './lifecycle.ts';
import { narrowSession } from './narrow-session.ts';
import type { Refusal } from './outcome.ts';

/** Attempts to write a session that others keep changing; each lost one means another has made progress. */
const maxAttempts = 20;

export interface Opened {
  readonly session: Session;
  /** Whether the client finds its earlier session [MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5, MQTT-3.2.2-2 v3]. */
  readonly present: boolean;
  /** The connection that held the session until now. */
  readonly previousAddress?: ConnectionAddress;
  /** Its number, see {@link Session.connectionSequence}. */
  readonly previousSequence: number;
}

/** The session is being changed faster than it could be opened. */
const sessionBusy: Refusal = {
  code: 'session-busy',
  message: 'the session is being opened by too many connections at once',
  reasonCode: reasonCodes.serverBusy.code,
};

/** No connection holds the session, and the tenant may have no more connections. */
const tooManyConnections: Refusal = {
  code: 'too-many-connections',
  message: 'the tenant has too many connections',
  reasonCode: reasonCodes.quotaExceeded.code,
};

export interface SessionRequest extends ClientKey {
  readonly address: ConnectionAddress;
  readonly cleanStart: boolean;
  readonly expirySeconds: number;
  readonly receiveMaximum: number;
  readonly protocolVersion: Connection['protocolVersion'];
  readonly clientMaxPacketBytes?: number;
  readonly clientTopicAliasMaximum: number;
  readonly permissions: Permissions;
  readonly maxQueuedMessages?: number;
  readonly maxQueueSeconds?: number;
  /** Whether the tenant may have one more connection; asked where the session is not taken from another. */
  readonly hasRoom: () => Promise<boolean>;
}

/**
 * Makes the connection the holder of its client's session: resumes it, or begins a new one and deletes what the old one
 * left [MQTT-3.1.2-4 v5, MQTT-3.1.2-5 v5, MQTT-3.1.2-6 v5, MQTT-3.1.4-4 v5, MQTT-3.1.2-6 v3]. A session goes by the
 * client identifier [MQTT-3.1.3-2 v5]. One conditional write decides between connections that race. The
 * connection that held the session before is ended by the caller with `previousAddress`.
 *
 * A session that is taken over adds no connection, so it is not held up by a quota of them: the old connection may be long dead and its
 * `$disconnect` not handled.
 *
 * A write whose answer was lost is recognised by the address in the row.
 *
 * A session is resumed with the rights of the new token: subscriptions that it does not allow are removed.
 *
 * A resumed session forgets all claims: what its earlier connection may have received is sent again with DUP.
 *
 * A crash after the write leaves a session held by a connection that never saw CONNACK and has no row; it is taken
 * over by the next, or goes offline when a post finds the connection gone. What an earlier generation left counts for nothing, whenever
 * it is deleted.
 *
 * @returns a refusal where the session is changed too often (0x89) or the tenant has too many connections (0x97): nothing
 * is written then.
 */
export async function openSession(context: Context, request: SessionRequest): Promise<Opened | Refusal> {
  let takenFrom: Session | undefined;
  let ended: Session | undefined;
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const previous = await context.sessions.get(request);
    if (previous !== undefined && previous.address === request.address) {
      if (ended !== undefined) await deleteRemains(context, ended);
      return opened(previous, previous.generation !== request.address, takenFrom);
    }
    if (previous?.address === undefined && !(await request.hasRoom())) return tooManyConnections;
    const nowMs = context.clock.nowMs();
    const present = previous !== undefined && !request.cleanStart && !hasEnded(previous, nowMs);
    // Before the session is held, so that nothing forbidden can be sent to the new connection.
    if (present) await narrowSession(context, { ...request, generation: previous.generation });
    const session = present ? resumed(context, previous, request) : fresh(context, previous, request);
    takenFrom = previous?.address === undefined ? undefined : previous;
    ended = present ? undefined : previous;
    if (!(await context.sessions.replace(session, previous))) continue;
    if (ended !== undefined && ended.swept !== true) await deleteRemains(context, ended);
    return opened(session, present, takenFrom);
  }
  return sessionBusy;
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

/** By the clock, so that it goes on growing where the row of an earlier session is gone; but never back. */
function nextSequence(context: Context, previous: Session | undefined): number {
  return Math.max((previous?.connectionSequence ?? 0) + 1, context.clock.nowMs());
}

function fresh(context: Context, previous: Session | undefined, request: SessionRequest): Session {
  const sequence = previous?.sequence ?? 0;
  return {
    ...held(request),
    generation: request.address,
    mode: mayGoDirect(request) ? 'direct' : 'queued',
    // Numbering goes on where the earlier session stopped: what is still on its way there cannot collide.
    sequence,
    recountAtSequence: sequence + queueBound(context.settings, request),
    claimVersion: (previous?.claimVersion ?? 0) + 1,
    connectionSequence: nextSequence(context, previous),
    inFlight: new Set(),
    resent: new Set(),
    opened: new Set(),
  };
}

function resumed(context: Context, previous: Session, request: SessionRequest): Session {
  return {
    ...held(request),
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

function held(request: SessionRequest) {
  const { address, tenant, clientId, expirySeconds, receiveMaximum, protocolVersion } = request;
  const { clientMaxPacketBytes, clientTopicAliasMaximum, maxQueuedMessages, maxQueueSeconds } = request;
  return {
    address,
    tenant,
    clientId,
    expirySeconds,
    receiveMaximum,
    protocolVersion,
    clientTopicAliasMaximum,
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(maxQueuedMessages === undefined ? {} : { maxQueuedMessages }),
    ...(maxQueueSeconds === undefined ? {} : { maxQueueSeconds }),
  };
}
