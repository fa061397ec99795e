import type { ClientKey, Route, Session } from '../core/model.ts';
import { type Item, N, S, storedTenant, string } from './attributes.ts';
import {
  boolean,
  type Fields,
  itemOf,
  maybe,
  modelFrom,
  numbers,
  numeric,
  text,
  updateOf,
} from './fields.ts';
import { kinds, sessionRowKey } from './keys.ts';
import type { Expression } from './table.ts';

/**
 * Session expiry interval 0xFFFFFFFF: the session never expires (section 3.1.2.11.2 of MQTT 5.0).
 */
const neverSeconds = 0xffff_ffff;

/**
 * A session as it is stored. `inFlight` belongs to the connection that is named beside it: a
 * takeover moves the session and leaves the set, whatever is claimed meanwhile.
 */
type StoredFields = Omit<Session, 'tenant' | 'clientId'> & { readonly inFlightOf?: string };

/** The fields other than the key. */
const sessionFields: Fields<StoredFields> = {
  generation: text('generation'),
  address: maybe(text('address')),
  owner: maybe(text('owner')),
  protocolVersion: numeric('protocol'),
  clientMaxPacketBytes: maybe(numeric('maxBytes')),
  clientTopicAliasMaximum: numeric('aliases'),
  receiveMaximum: numeric('receiveMax'),
  mode: text('mode'),
  sequence: numeric('seq'),
  recountAtSequence: numeric('recount'),
  claimVersion: numeric('claims'),
  claimedBy: maybe(text('claimedBy')),
  sendingUntilMs: maybe(numeric('sending')),
  inFlight: numbers('inFlight'),
  inFlightOf: maybe(text('inFlightOf')),
  resent: numbers('resent'),
  opened: numbers('opened'),
  maxQueuedMessages: maybe(numeric('maxQueued')),
  maxQueueSeconds: maybe(numeric('maxWait')),
  expirySeconds: numeric('expiry'),
  connectionSequence: numeric('connections'),
  connectsUntilMs: maybe(numeric('connectsUntil')),
  connectsHour: maybe(numeric('connectsHour')),
  connectsInHour: maybe(numeric('inHour')),
  expiresAtMs: maybe(numeric('expires')),
  retainedBehind: maybe(numeric('retainedBehind')),
  swept: maybe(boolean('swept')),
  traceUntilMs: maybe(numeric('traceUntil')),
};

/** The fields that a claim replaces. */
export const claimFields: Fields<
  Pick<
    StoredFields,
    'claimVersion' | 'claimedBy' | 'mode' | 'inFlight' | 'inFlightOf' | 'resent' | 'opened' | 'sendingUntilMs'
  >
> = {
  claimVersion: sessionFields.claimVersion,
  claimedBy: sessionFields.claimedBy,
  mode: sessionFields.mode,
  inFlight: sessionFields.inFlight,
  inFlightOf: sessionFields.inFlightOf,
  resent: sessionFields.resent,
  opened: sessionFields.opened,
  sendingUntilMs: sessionFields.sendingUntilMs,
};

/**
 * The update that makes `session` the successor of `previous`, in whichever state other handlers
 * have brought the row: numbering and claims go on meanwhile and are not overwritten.
 *
 * - `seq` stays as stored, and `claims` is counted up.
 * - `recount` stays, or moves as far from `seq` as it is from `session.sequence`.
 * - Whether the client is traced stays as stored.
 * - A session that is resumed keeps what is in flight, which then counts as {@link Session.resent}.
 */
export function takeoverOf(session: Session, previous: Session): Required<Expression> & { update: string } {
  const isResumed = session.generation === previous.generation;
  const { sequence, recountAtSequence, claimVersion, traceUntilMs, ...others } = sessionFields;
  const { inFlight, inFlightOf, resent, opened, retainedBehind, ...resumed } = others;
  const { update, names, values } = updateOf<object>(isResumed ? resumed : others, session);
  const room = session.recountAtSequence - session.sequence;
  const isRecounted = session.recountAtSequence !== previous.recountAtSequence;
  const sets = [
    '#claims = #claims + :one',
    ...(isRecounted ? ['recount = seq + :room'] : []),
    ...(isResumed ? ['inFlightOf = if_not_exists(inFlightOf, :nobody)'] : []),
  ];
  return {
    update: `${update.replace(/^SET/, `SET ${sets.join(', ')},`)}, #ttl, leftBy, leftIn`,
    names: { ...names, '#claims': 'claims', '#ttl': 'ttl' },
    values: {
      ...values,
      ':one': N(1),
      ...(isRecounted ? { ':room': N(room) } : {}),
      ...(isResumed ? { ':nobody': S('nobody') } : {}),
    },
  };
}

/** `tenant` makes the row part of the index `byTenant` (schema.ts). */
export function sessionItem(session: Session): Item {
  return {
    ...sessionRowKey(session, kinds.session),
    tenant: S(session.tenant),
    ...itemOf<StoredFields>(sessionFields, { ...session, ...inFlightOf(session) }),
  };
}

/** To whom the entries in flight belong: nobody, if there are none. */
export function inFlightOf(session: Pick<Session, 'address' | 'inFlight'>): { inFlightOf?: string } {
  const { address, inFlight } = session;
  return address === undefined || inFlight.size === 0 ? {} : { inFlightOf: address };
}

/** @throws ItemFormatError when the row is unreadable. */
export function sessionFrom(stored: Item): Session {
  const { inFlightOf: holder, ...fields } = modelFrom(sessionFields, stored);
  const key = string(stored, 'session');
  const slash = key.indexOf('/');
  return {
    tenant: storedTenant(key.slice(0, slash), 'session'),
    clientId: key.slice(slash + 1),
    ...fields,
    ...(holder === undefined || fields.address === undefined || holder === fields.address
      ? {}
      : { inFlight: new Set(), resent: new Set([...fields.resent, ...fields.inFlight]) }),
  };
}

/**
 * TTL of an offline session: a day after its expiry, so that what still refers to it can be swept
 * first.
 */
export function sessionTtlSeconds(expirySeconds: number, expiresAtMs: number): number | undefined {
  return expirySeconds === neverSeconds ? undefined : Math.ceil(expiresAtMs / 1000) + 86_400;
}

/** The route to a session's connection; undefined while it is offline. */
export function routeOf(session: Session): Route | undefined {
  if (session.address === undefined) return undefined;
  return {
    address: session.address,
    protocolVersion: session.protocolVersion,
    generation: session.generation,
    clientTopicAliasMaximum: session.clientTopicAliasMaximum,
    ...(session.clientMaxPacketBytes === undefined
      ? {}
      : { clientMaxPacketBytes: session.clientMaxPacketBytes }),
    ...(session.traceUntilMs === undefined ? {} : { traceUntilMs: session.traceUntilMs }),
  };
}

/** The row of a traced client that has none: that of a session which has ended and left nothing. */
export function endedSession(key: ClientKey, generation: string, traceUntilMs: number): Session {
  return {
    ...key,
    generation,
    protocolVersion: 5,
    clientTopicAliasMaximum: 0,
    receiveMaximum: 0,
    mode: 'queued',
    sequence: 0,
    recountAtSequence: 0,
    claimVersion: 0,
    inFlight: new Set(),
    resent: new Set(),
    opened: new Set(),
    expirySeconds: 0,
    connectionSequence: 0,
    swept: true,
    traceUntilMs,
  };
}
