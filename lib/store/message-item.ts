import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { Message, MessageProperties, UserProperties } from '../core/model.ts';
import { BOOL, flag, ItemFormatError, S } from './attributes.ts';
import { binary, boolean, type Fields, group, maybe, numeric, single, text } from './fields.ts';

const propertyFields = group<MessageProperties>({
  payloadFormatIndicator: maybe(single('pf', BOOL, (stored) => flag(stored, 'pf'))),
  contentType: maybe(text('ct')),
  responseTopic: maybe(text('rt')),
  correlationData: maybe(binary('cd')),
  userProperties: maybe(
    single(
      'up',
      (pairs) => ({ L: pairs.flat().map(S) }),
      ({ up }) => pairsFrom(up?.L),
    ),
  ),
});

/**
 * A message as attributes of an item: fields that are small and always present have an attribute
 * each, properties are one map. Attribute names are short because every item stores, and pays for,
 * them.
 */
const messageFields: Fields<Message> = {
  id: text('id'),
  topic: text('topic'),
  payload: binary('body'),
  qos: numeric('qos'),
  retain: boolean('retain'),
  publisher: maybe(text('from')),
  expiresAtMs: maybe(numeric('expires')),
  properties: single('props', propertiesAttribute, ({ props }) => propertiesFrom(props)),
};

/** A message as one field of a larger model, in attributes of the same item. */
export const messageField = group(messageFields);

export const messageAttributes = messageField.write;

/** @throws ItemFormatError when an attribute is missing or of the wrong type. */
export const messageFrom = messageField.read;

/** A map, not JSON: escapes could make a packet of 128 KB larger than the 400 KB of an item. */
function propertiesAttribute(properties: MessageProperties): AttributeValue | undefined {
  const stored = propertyFields.write(properties);
  return Object.keys(stored).length === 0 ? undefined : { M: stored };
}

function propertiesFrom(attribute: AttributeValue | undefined): MessageProperties {
  if (attribute === undefined) return {};
  if (attribute.M === undefined) throw new ItemFormatError('props');
  return propertyFields.read(attribute.M);
}

/** Names and values alternate in the list. */
function pairsFrom(texts: readonly AttributeValue[] | undefined): UserProperties {
  if (texts === undefined) throw new ItemFormatError('up');
  return Array.from(
    { length: texts.length / 2 },
    (_, index) => [texts[2 * index]?.S ?? '', texts[2 * index + 1]?.S ?? ''] as const,
  );
}
