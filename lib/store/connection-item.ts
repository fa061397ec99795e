import type { Connection, ConnectionAddress, RateUse, UnfinishedPacket } from '../core/model.ts';
import { packetSlots } from '../core/store-ports/chunks.ts';
import type { TokenState } from '../core/store-ports/connections.ts';
import { type Item, ItemFormatError, S } from './attributes.ts';
import {
  boolean,
  type Field,
  type Fields,
  group,
  jsonText,
  maybe,
  numeric,
  single,
  tenantId,
  text,
} from './fields.ts';

/**
 * API Gateway closes a connection after 2 hours. An hour later no handler can need the row. Rows of
 * connections at an edge have no TTL.
 */
export const connectionTtlSeconds = 3 * 3600;

export const tokenFields: Fields<TokenState> = {
  permissions: jsonText('permissions'),
  tokenExpiresAtSeconds: maybe(numeric('tokenExpires')),
  subject: maybe(text('subject')),
  tokenId: maybe(text('tokenId')),
  tokenIssuedAtSeconds: maybe(numeric('tokenIssued')),
  quotas: maybe(jsonText('quotas')),
  revocationsSeenMs: maybe(numeric('revocationsSeen')),
};

export const rateFields: Fields<RateUse> = {
  packetsUntilMs: maybe(numeric('ratePackets')),
  messagesUntilMs: numeric('rateMessages'),
  bytesUntilMs: numeric('rateBytes'),
};

export const connectionFields: Fields<Connection> = {
  address: text('address'),
  tenant: tenantId('tenant'),
  clientId: text('id'),
  protocolVersion: numeric('protocol'),
  isBridge: boolean('bridge'),
  generation: text('generation'),
  keepAliveSeconds: numeric('keepAlive'),
  ...tokenFields,
  rateUse: maybe(group(rateFields)),
  username: maybe(text('username')),
  clientMaxPacketBytes: maybe(numeric('maxBytes')),
  clientTopicAliasMaximum: numeric('outAliases'),
  requestProblemInformation: boolean('problemInfo'),
  sessionExpirySeconds: numeric('expiry'),
  authenticationMethod: maybe(text('method')),
  connectedAtMs: numeric('connected'),
  watchedSinceMs: maybe(numeric('watched')),
  heardAtMs: maybe(numeric('heard')),
  traceUntilMs: maybe(numeric('traceUntil')),
  topicAliases: aliases('aliases'),
  unfinishedPackets: slots(),
};

export function connectionKey(address: ConnectionAddress): Item {
  return { address: S(address) };
}

/** A map of alias → topic, so that an update can add one alias. Stored even when it is empty. */
function aliases(attribute: string): Field<Connection['topicAliases']> {
  return single(
    attribute,
    (topics) => ({
      M: Object.fromEntries(Object.entries(topics).map(([alias, topic]) => [alias, S(topic)])),
    }),
    (stored) =>
      Object.fromEntries(
        Object.entries(stored[attribute]?.M ?? {}).map(([alias, topic]) => {
          if (topic.S === undefined) throw new ItemFormatError(attribute);
          return [Number(alias), topic.S];
        }),
      ),
  );
}

/** Attribute of the connection's row that holds the unfinished packet in a slot. */
export function slotAttribute(slot: number): string {
  return `chunked${slot}`;
}

/** The value of {@link slotAttribute}: `id:key:bytes`. */
export function slotText({ id, key, bytes }: UnfinishedPacket): string {
  return `${id}:${key}:${bytes}`;
}

/** One attribute per slot, so that an update claims or frees one of them. */
function slots(): Field<readonly UnfinishedPacket[] | undefined> {
  const attributes = Array.from({ length: packetSlots }, (_, slot) => slotAttribute(slot));
  return {
    attributes,
    write: (packets = []) =>
      Object.fromEntries(packets.map((packet) => [slotAttribute(packet.slot), S(slotText(packet))])),
    read: (stored) => {
      const packets = attributes.flatMap((attribute, slot) => {
        const [id = '', key = '', bytes] = stored[attribute]?.S?.split(':') ?? [];
        return bytes === undefined ? [] : [{ slot, id, key, bytes: Number(bytes) }];
      });
      return packets.length === 0 ? undefined : packets;
    },
  };
}
