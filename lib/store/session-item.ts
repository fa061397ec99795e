import type { ConnectionAddress, ProtocolVersion, Route, Session, SessionMode } from '../core/model.ts';
import {
  type Item,
  item,
  known,
  N,
  NS,
  number,
  numberSet,
  optional,
  optionalNumber,
  optionalString,
  S,
  storedTenant,
  string,
  version,
} from './attributes.ts';
import { sessionKey } from './keys.ts';
import { kinds } from './session-keys.ts';

const neverSeconds = 0xffff_ffff;

export function sessionItem(session: Session): Item {
  return {
    session: S(sessionKey(session)),
    kind: S(kinds.session),
    tenant: S(session.tenant),
    v: version,
    ...item({
      generation: S(session.generation),
      address: optional(session.address, S),
      protocol: N(session.protocolVersion),
      maxBytes: optional(session.clientMaxPacketBytes, N),
      aliases: N(session.clientTopicAliasMaximum),
      receiveMax: N(session.receiveMaximum),
      mode: S(session.mode),
      seq: N(session.sequence),
      recount: N(session.recountAtSequence),
      claims: N(session.claimVersion),
      claimedBy: optional(session.claimedBy, S),
      sending: optional(session.sendingUntilMs, N),
      inFlight: session.inFlight.size === 0 ? undefined : NS(session.inFlight),
      resent: session.resent.size === 0 ? undefined : NS(session.resent),
      opened: session.opened.size === 0 ? undefined : NS(session.opened),
      maxQueued: optional(session.maxQueuedMessages, N),
      maxWait: optional(session.maxQueueSeconds, N),
      expiry: N(session.expirySeconds),
      connections: N(session.connectionSequence),
      expires: optional(session.expiresAtMs, N),
      swept: session.swept === true ? { BOOL: true } : undefined,
    }),
  };
}

export function sessionFrom(stored: Item): Session {
  const key = string(known(stored), 'session');
  const slash = key.indexOf('/');
  const address = optionalString(stored, 'address');
  const claimedBy = optionalString(stored, 'claimedBy');
  const clientMaxPacketBytes = optionalNumber(stored, 'maxBytes');
  const expiresAtMs = optionalNumber(stored, 'expires');
  const maxQueuedMessages = optionalNumber(stored, 'maxQueued');
  const maxQueueSeconds = optionalNumber(stored, 'maxWait');
  const sendingUntilMs = optionalNumber(stored, 'sending');
  return {
    tenant: storedTenant(key.slice(0, slash), 'session'),
    clientId: key.slice(slash + 1),
    generation: string(stored, 'generation'),
    protocolVersion: number(stored, 'protocol') as ProtocolVersion,
    clientTopicAliasMaximum: number(stored, 'aliases'),
    receiveMaximum: number(stored, 'receiveMax'),
    mode: string(stored, 'mode') as SessionMode,
    sequence: number(stored, 'seq'),
    recountAtSequence: number(stored, 'recount'),
    claimVersion: number(stored, 'claims'),
    inFlight: numberSet(stored, 'inFlight'),
    resent: numberSet(stored, 'resent'),
    opened: numberSet(stored, 'opened'),
    expirySeconds: number(stored, 'expiry'),
    connectionSequence: number(stored, 'connections'),
    ...(claimedBy === undefined ? {} : { claimedBy }),
    ...(sendingUntilMs === undefined ? {} : { sendingUntilMs }),
    ...(stored.swept?.BOOL === true ? { swept: true } : {}),
    ...(address === undefined ? {} : { address: address as ConnectionAddress }),
    ...(clientMaxPacketBytes === undefined ? {} : { clientMaxPacketBytes }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(maxQueuedMessages === undefined ? {} : { maxQueuedMessages }),
    ...(maxQueueSeconds === undefined ? {} : { maxQueueSeconds }),
  };
}

/** TTL of an offline session: a day after its expiry, so that what still refers to it can be swept first. */
export function sessionTtlSeconds(expirySeconds: number, expiresAtMs: number): number | undefined {
  return expirySeconds === neverSeconds ? undefined : Math.ceil(expiresAtMs / 1000) + 86_400;
}

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
