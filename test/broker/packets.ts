import { encodePacket } from '../../lib/mqtt/encode.ts';
import type {
  ConnectPacket,
  PublishPacket,
  SubscribePacket,
  Subscription,
  UnsubscribePacket,
} from '../../lib/mqtt/types.ts';

/** A PUBLISH; `fields` override the defaults (QoS 0). */
export function publish(
  topic: string,
  payload: string | Uint8Array,
  fields: Partial<PublishPacket> = {},
): PublishPacket {
  return {
    cmd: 'publish',
    topic,
    payload: typeof payload === 'string' ? Buffer.from(payload) : payload,
    qos: 0,
    dup: false,
    retain: false,
    ...fields,
  };
}

/** A SUBSCRIBE; a plain filter means QoS 0. */
export function subscribe(
  messageId: number,
  ...filters: readonly (string | Subscription | { readonly identifier: number })[]
): SubscribePacket {
  const identifier = filters.find((one) => typeof one === 'object' && 'identifier' in one);
  return {
    cmd: 'subscribe',
    messageId,
    subscriptions: filters.flatMap((one) => {
      if (typeof one === 'string') return [{ topic: one, qos: 0 as const }];
      return 'topic' in one ? [one] : [];
    }),
    ...(identifier === undefined
      ? {}
      : { properties: { subscriptionIdentifier: (identifier as { identifier: number }).identifier } }),
  };
}

export function unsubscribe(messageId: number, ...unsubscriptions: string[]): UnsubscribePacket {
  return { cmd: 'unsubscribe', messageId, unsubscriptions };
}

/** A CONNECT with an empty client identifier, in hex, since mqtt-packet refuses to write it. */
export function withoutClientId(packet: ConnectPacket): string {
  const bytes = encodePacket({ ...packet, clientId: 'x' }, packet.protocolVersion);
  const headerBytes = (bytes[1] ?? 0) < 128 ? 2 : 3;
  const body = bytes.subarray(headerBytes);
  // Protocol name with its length, level, flags, keep-alive.
  const at = 2 + packet.protocolId.length + 1 + 1 + 2;
  const empty = Buffer.concat([body.subarray(0, at), Buffer.from([0, 0]), body.subarray(at + 3)]);
  const length = empty.length < 128 ? [empty.length] : [(empty.length & 127) | 128, empty.length >> 7];
  return Buffer.concat([Buffer.from([0x10, ...length]), empty]).toString('hex');
}
