import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Message, MessageProperties, Qos, UserProperties } from '../core/model.ts';
import {
  B,
  BOOL,
  bytes,
  type Item,
  ItemFormatError,
  item,
  N,
  number,
  optional,
  optionalNumber,
  optionalString,
  S,
  string,
} from './attributes.ts';

/**
 * A message as attributes of an item: what is small and present always has an attribute of its own, properties
 * are one map. Attribute names are short because they are stored, and paid for, with every item.
 */
export function messageAttributes(message: Message): Item {
  return item({
    id: S(message.id),
    topic: S(message.topic),
    body: B(message.payload),
    qos: N(message.qos),
    retain: message.retain ? { BOOL: true } : undefined,
    from: optional(message.publisher, S),
    expires: optional(message.expiresAtMs, N),
    props: propertiesAttribute(message.properties),
  });
}

export function messageFrom(stored: Item): Message {
  const expiresAtMs = optionalNumber(stored, 'expires');
  const publisher = optionalString(stored, 'from');
  return {
    id: string(stored, 'id'),
    topic: string(stored, 'topic'),
    payload: bytes(stored, 'body'),
    qos: number(stored, 'qos') as Qos,
    retain: stored.retain?.BOOL ?? false,
    properties: propertiesFrom(stored.props),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(publisher === undefined ? {} : { publisher }),
  };
}

/** As attributes rather than as JSON, whose escapes could make a packet of 128 KB larger than an item may be. */
function propertiesAttribute(properties: MessageProperties): AttributeValue | undefined {
  const stored = item({
    pf: optional(properties.payloadFormatIndicator, BOOL),
    ct: optional(properties.contentType, S),
    rt: optional(properties.responseTopic, S),
    cd: optional(properties.correlationData, B),
    // Names and values by turns.
    up: optional(properties.userProperties?.flat(), (texts) => ({ L: texts.map(S) })),
  });
  return Object.keys(stored).length === 0 ? undefined : { M: stored };
}

function propertiesFrom(attribute: AttributeValue | undefined): MessageProperties {
  if (attribute === undefined) return {};
  const stored = attribute.M;
  if (stored === undefined) throw new ItemFormatError('props');
  const { pf, ct, rt, cd, up } = stored;
  return {
    ...(pf?.BOOL === undefined ? {} : { payloadFormatIndicator: pf.BOOL }),
    ...(ct?.S === undefined ? {} : { contentType: ct.S }),
    ...(rt?.S === undefined ? {} : { responseTopic: rt.S }),
    ...(cd?.B === undefined ? {} : { correlationData: cd.B }),
    ...(up?.L === undefined ? {} : { userProperties: pairs(up.L) }),
  };
}

function pairs(texts: readonly AttributeValue[]): UserProperties {
  return Array.from(
    { length: texts.length / 2 },
    (_, index) => [texts[2 * index]?.S ?? '', texts[2 * index + 1]?.S ?? ''] as const,
  );
}
