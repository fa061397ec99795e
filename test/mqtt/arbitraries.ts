import fc from 'fast-check';
import type { ClientPacket, ProtocolVersion, QoS, UserProperty } from '../../lib/mqtt/index.ts';

/** Well-formed text without U+0000, astral characters and integer-like names included. */
const text = fc.oneof(
  fc.constantFrom('', 'a', '1', '0', '__proto__', 'ä', '\ufeffx', '\u{1f600}'),
  fc.string({ unit: 'grapheme', maxLength: 8 }).map((value) => value.replaceAll('\0', '')),
);
const bytes = fc.uint8Array({ maxLength: 12 }).map((value) => Buffer.from(value));
const messageId = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom<QoS>(0, 1, 2);
const seconds = fc.integer({ min: 0, max: 0xffffffff });

/** Optional fields without keys for absent ones, as in a decoded packet. */
function some<T extends Record<string, unknown>>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) {
  return fc.record(model, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
}

const userProperties = fc.array(fc.tuple(text, text) as fc.Arbitrary<UserProperty>, {
  minLength: 1,
  maxLength: 5,
});
const messageProperties = {
  payloadFormatIndicator: fc.constant(false),
  messageExpiryInterval: seconds,
  contentType: text,
  responseTopic: text,
  correlationData: bytes,
  userProperties,
};

/** `{ properties }` if a packet of this version has some, else an empty object. */
function withProperties(version: ProtocolVersion, properties: fc.Arbitrary<object>) {
  if (version !== 5) return fc.constant({});
  return properties.map((value) => (Object.keys(value).length > 0 ? { properties: value } : {}));
}

/** Packets that a connected client of this version may send, as the decoder returns them. */
export function clientPacket(version: ProtocolVersion): fc.Arbitrary<ClientPacket> {
  const acknowledgement = fc.constantFrom('puback' as const, 'pubrec' as const);
  const release = fc.constantFrom('pubrel' as const, 'pubcomp' as const);
  const reasoned = withProperties(version, some({ reasonString: text, userProperties }));
  const reason = <T extends object>(packet: T, reasonCode: number) =>
    version === 5 ? { ...packet, reasonCode } : packet;
  return fc.oneof(
    fc
      .tuple(
        text,
        bytes,
        qos,
        fc.boolean(),
        fc.boolean(),
        messageId,
        withProperties(version, some({ ...messageProperties, topicAlias: messageId })),
      )
      .map(([topic, payload, level, dup, retain, id, properties]) => ({
        cmd: 'publish' as const,
        topic,
        payload,
        qos: level,
        dup: level > 0 && dup,
        retain,
        ...(level > 0 && { messageId: id }),
        ...properties,
      })),
    fc
      .tuple(acknowledgement, messageId, fc.constantFrom(0x00, 0x10, 0x97), reasoned)
      .map(([cmd, id, code, rest]) => ({
        ...reason({ cmd, messageId: id }, code),
        ...rest,
      })),
    fc.tuple(release, messageId, fc.constantFrom(0x00, 0x92), reasoned).map(([cmd, id, code, rest]) => ({
      ...reason({ cmd, messageId: id }, code),
      ...rest,
    })),
    fc
      .tuple(
        messageId,
        fc.array(fc.tuple(text, qos, fc.boolean(), fc.boolean(), fc.constantFrom<0 | 1 | 2>(0, 1, 2)), {
          minLength: 1,
          maxLength: 4,
        }),
        withProperties(
          version,
          some({ subscriptionIdentifier: fc.integer({ min: 1, max: 268_435_455 }), userProperties }),
        ),
      )
      .map(([id, filters, properties]) => ({
        cmd: 'subscribe' as const,
        messageId: id,
        subscriptions: filters.map(([topic, level, nl, rap, rh]) =>
          version === 5 ? { topic, qos: level, nl, rap, rh } : { topic, qos: level },
        ),
        ...properties,
      })),
    fc
      .tuple(
        messageId,
        fc.array(text, { minLength: 1, maxLength: 4 }),
        withProperties(version, some({ userProperties })),
      )
      .map(([id, unsubscriptions, properties]) => ({
        cmd: 'unsubscribe' as const,
        messageId: id,
        unsubscriptions,
        ...properties,
      })),
    fc.constant({ cmd: 'pingreq' as const }),
    fc
      .tuple(
        fc.constantFrom(0x00, 0x04, 0x81),
        withProperties(version, some({ sessionExpiryInterval: seconds, reasonString: text, userProperties })),
      )
      .map(([code, properties]) => ({ ...reason({ cmd: 'disconnect' as const }, code), ...properties })),
  );
}

/** CONNECT of this version. */
export function connectPacket(protocolVersion: ProtocolVersion): fc.Arbitrary<ClientPacket> {
  const will = fc
    .tuple(
      text.filter((topic) => topic !== ''),
      bytes,
      qos,
      fc.boolean(),
      withProperties(protocolVersion, some({ ...messageProperties, willDelayInterval: seconds })),
    )
    .map(([topic, payload, level, retain, properties]) => ({
      topic,
      payload,
      qos: level,
      retain,
      ...properties,
    }));
  return fc
    .tuple(
      text.filter((clientId) => clientId !== ''),
      fc.boolean(),
      fc.integer({ min: 0, max: 65_535 }),
      some({ will }),
      fc.oneof(
        fc.constant({}),
        fc.record({ username: text }),
        fc.record({ username: text, password: bytes }),
      ),
      withProperties(
        protocolVersion,
        some({
          sessionExpiryInterval: seconds,
          receiveMaximum: messageId,
          maximumPacketSize: fc.integer({ min: 1, max: 0xffffffff }),
          topicAliasMaximum: fc.integer({ min: 0, max: 65_535 }),
          requestResponseInformation: fc.boolean(),
          requestProblemInformation: fc.boolean(),
          userProperties,
          authenticationMethod: text,
        }),
      ),
    )
    .map(([clientId, clean, keepalive, optional, credentials, properties]) => ({
      cmd: 'connect' as const,
      protocolId: protocolVersion === 3 ? ('MQIsdp' as const) : ('MQTT' as const),
      protocolVersion,
      clientId,
      clean,
      keepalive,
      ...optional,
      ...credentials,
      ...properties,
    }));
}
