import type { Route, Session } from '../core/model.ts';
import { type Item, S, storedTenant, string } from './attributes.ts';
import { boolean, type Fields, itemOf, maybe, modelFrom, numbers, numeric, text } from './fields.ts';
import { kinds, sessionRowKey } from './session-keys.ts';

/** Session expiry interval 0xFFFFFFFF: the session never expires (section 3.1.2.11.2 of MQTT 5.0). */
const neverSeconds = 0xffff_ffff;

/** The fields beside the client, who is in the key. */
const sessionFields: Fields<Omit<Session, 'tenant' | 'clientId'>> = {
  generation: text('generation'),
  address: maybe(text('address')),
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
  resent: numbers('resent'),
  opened: numbers('opened'),
  maxQueuedMessages: maybe(numeric('maxQueued')),
  maxQueueSeconds: maybe(numeric('maxWait')),
  expirySeconds: numeric('expiry'),
  connectionSequence: numeric('connections'),
  expiresAtMs: maybe(numeric('expires')),
  swept: maybe(boolean('swept')),
};

/** The fields that a claim replaces. */
const { claimVersion, claimedBy, mode, inFlight, resent, opened, sendingUntilMs } = sessionFields;
export const claimFields: Fields<
  Pick<Session, 'claimVersion' | 'claimedBy' | 'mode' | 'inFlight' | 'resent' | 'opened' | 'sendingUntilMs'>
> = { claimVersion, claimedBy, mode, inFlight, resent, opened, sendingUntilMs };

/** `tenant` makes the row part of the index `byTenant` (schema.ts). */
export function sessionItem(session: Session): Item {
  return {
    ...sessionRowKey(session, kinds.session),
    tenant: S(session.tenant),
    ...itemOf(sessionFields, session),
  };
}

/** @throws ItemFormatError when the row is unreadable. */
export function sessionFrom(stored: Item): Session {
  const fields = modelFrom(sessionFields, stored);
  const key = string(stored, 'session');
  const slash = key.indexOf('/');
  return {
    tenant: storedTenant(key.slice(0, slash), 'session'),
    clientId: key.slice(slash + 1),
    ...fields,
  };
}

/** TTL of an offline session: a day after its expiry, so that what still refers to it can be swept first. */
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
  };
}
