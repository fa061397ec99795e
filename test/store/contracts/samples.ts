import type { TenantId } from '../../../lib/auth/index.ts';
import type {
  ClientKey,
  Connection,
  ConnectionAddress,
  Message,
  QueueEntry,
  Session,
  Subscription,
} from '../../../lib/core/model.ts';
import { maxPacketIdentifier, packetIdentifierOf } from '../../../lib/core/session-rules.ts';
import { numbersPerRow } from '../../../lib/store/queue-rows.ts';

let addresses = 0;

/** A unique address, formed like those of API Gateway. */
export function newAddress(): ConnectionAddress {
  addresses += 1;
  return `L0SM9c${String(addresses).padStart(8, '0')}=` as ConnectionAddress;
}

export function connectionOf(key: ClientKey, changes: Partial<Connection> = {}): Connection {
  const address = changes.address ?? newAddress();
  return {
    tenant: key.tenant,
    clientId: key.clientId,
    address,
    protocolVersion: 5,
    generation: address,
    keepAliveSeconds: 60,
    permissions: [{ effect: 'allow', action: 'all', filter: '#' }],
    clientTopicAliasMaximum: 0,
    requestProblemInformation: true,
    isBridge: false,
    sessionExpirySeconds: 0,
    topicAliases: {},
    connectedAtMs: 1_767_225_600_000,
    ...changes,
  };
}

export function sessionOf(key: ClientKey, changes: Partial<Session> = {}): Session {
  const address = changes.address ?? newAddress();
  return {
    tenant: key.tenant,
    clientId: key.clientId,
    generation: address,
    address,
    protocolVersion: 5,
    clientTopicAliasMaximum: 0,
    receiveMaximum: 65_535,
    mode: 'direct',
    sequence: 0,
    recountAtSequence: 1_000,
    claimVersion: 1,
    inFlight: new Set(),
    resent: new Set(),
    opened: new Set(),
    expirySeconds: 3_600,
    connectionSequence: 1,
    ...changes,
  };
}

/** Number of rows after which packet identifiers repeat. */
export const rowsPerRound = maxPacketIdentifier / numbersPerRow;

/** The sequence of a message that has a row to itself, the `row`-th; rows are counted from 1. */
export function alone(row: number): number {
  return (row - 1) * numbersPerRow + 1;
}

/** The sequence of a session whose newest row is the `row`-th. */
export function newestAt(row: number): number {
  return row * numbersPerRow;
}

let messages = 0;

export function messageOf(changes: Partial<Message> = {}): Message {
  messages += 1;
  return {
    id: `01JM${String(messages).padStart(22, '0')}`,
    topic: 'a/b',
    payload: new Uint8Array([1, 2, 3]),
    qos: 1,
    retain: false,
    properties: {},
    ...changes,
  };
}

/** Every byte value, so that no layer mistakes it for text. */
export const everyByte = Uint8Array.from({ length: 256 }, (_, byte) => byte);

/** A message with every field. */
export function fullMessage(changes: Partial<Message> = {}): Message {
  return messageOf({
    payload: everyByte,
    qos: 2,
    retain: true,
    publisher: 'someone/ö',
    expiresAtMs: 1_767_229_200_123,
    properties: {
      payloadFormatIndicator: false,
      contentType: 'application/x; q="ä"',
      responseTopic: 'réponse/😀',
      correlationData: everyByte,
      userProperties: [
        ['b', '2'],
        ['a', '1'],
        ['b', '"\\\u0001'],
        ['', ''],
      ],
    },
    ...changes,
  });
}

export function entryOf(
  generation: string,
  sequence: number,
  changes: Partial<Omit<QueueEntry, 'sequence' | 'packetIdentifier' | 'generation'>> = {},
): QueueEntry {
  return {
    sequence,
    packetIdentifier: packetIdentifierOf(sequence),
    generation,
    released: false,
    qos: 1,
    retain: false,
    subscriptionIdentifiers: [],
    message: messageOf(),
    ...changes,
  };
}

export function subscriptionOf(clientId: string, changes: Partial<Subscription> = {}): Subscription {
  return {
    clientId,
    filter: 'a/+',
    generation: 'generation-1',
    qos: 1,
    noLocal: false,
    retainAsPublished: false,
    ...changes,
  };
}

export const keyOf = (tenant: TenantId, clientId = 'client'): ClientKey => ({ tenant, clientId });
/** Key of a session's partition. */
export const partitionOf = ({ tenant, clientId }: ClientKey): string => `${tenant}/${clientId}`;

/** Plain bytes: the SDK returns different views. */
export function plain<T>(value: T): T {
  if (value instanceof Uint8Array) return Uint8Array.from(value) as T;
  if (value instanceof Set || value instanceof Map) return value;
  if (Array.isArray(value)) return value.map(plain) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)])) as T;
}
