import type { Message, MessageProperties, Qos, UserProperties } from '../broker/model.ts';
import {
  B,
  bytes,
  type Item,
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
 * are one JSON string. Attribute names are short because they are stored, and paid for, with every item.
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
    props: propertiesJson(message.properties),
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
    properties: propertiesFrom(optionalString(stored, 'props')),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(publisher === undefined ? {} : { publisher }),
  };
}

interface StoredProperties {
  pf?: boolean;
  ct?: string;
  rt?: string;
  /** base64 */
  cd?: string;
  up?: UserProperties;
}

function propertiesJson(properties: MessageProperties): { S: string } | undefined {
  const stored: StoredProperties = {};
  if (properties.payloadFormatIndicator !== undefined) stored.pf = properties.payloadFormatIndicator;
  if (properties.contentType !== undefined) stored.ct = properties.contentType;
  if (properties.responseTopic !== undefined) stored.rt = properties.responseTopic;
  if (properties.correlationData !== undefined)
    stored.cd = Buffer.from(properties.correlationData).toString('base64');
  if (properties.userProperties !== undefined && properties.userProperties.length > 0)
    stored.up = properties.userProperties;
  return Object.keys(stored).length === 0 ? undefined : { S: JSON.stringify(stored) };
}

function propertiesFrom(json: string | undefined): MessageProperties {
  if (json === undefined) return {};
  const stored = JSON.parse(json) as StoredProperties;
  return {
    ...(stored.pf === undefined ? {} : { payloadFormatIndicator: stored.pf }),
    ...(stored.ct === undefined ? {} : { contentType: stored.ct }),
    ...(stored.rt === undefined ? {} : { responseTopic: stored.rt }),
    ...(stored.cd === undefined ? {} : { correlationData: Buffer.from(stored.cd, 'base64') }),
    ...(stored.up === undefined ? {} : { userProperties: stored.up }),
  };
}
