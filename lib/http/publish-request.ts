import * as v from 'valibot';
import type { PublishRequest } from '../broker/judge-publish.ts';
import { closedObject, list, wholeNumber } from '../core/validation.ts';
import type { HttpRequest } from './message.ts';
import { Problem } from './problem.ts';
import { checkedParameters, jsonBody, literalParameters } from './read.ts';

/** Messages in one batch. */
const maxBatchMessages = 100;
const maxExpirySeconds = 0xffff_ffff;

const textForm = 'a text without U+0000 and lone surrogates';
/** A UTF-8 encoded string of MQTT. [MQTT-1.5.4-1 v5, MQTT-1.5.4-2 v5] */
export const mqttText = v.pipe(
  v.string(textForm),
  v.check((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text), textForm),
);
/** What {@link isEncoded} expects. */
export const base64Form = 'base64 with padding';
const trueOrFalse = v.boolean('true or false');

/** Properties of a message. */
export const propertyEntries = {
  expirySeconds: v.exactOptional(
    v.pipe(wholeNumber(0, maxExpirySeconds), v.description('Message Expiry Interval.')),
  ),
  contentType: v.exactOptional(mqttText),
  responseTopic: v.exactOptional(mqttText),
  correlationData: v.exactOptional(v.pipe(v.string(base64Form), v.base64(base64Form))),
  utf8: v.exactOptional(
    v.pipe(trueOrFalse, v.description('Payload Format Indicator: the payload is UTF-8 text.')),
  ),
  userProperties: v.exactOptional(v.array(v.strictTuple([mqttText, mqttText], 'a list of name and value'))),
};

const optionEntries = {
  qos: v.exactOptional(v.picklist([0, 1, 2], '0, 1 or 2'), 0),
  retain: v.exactOptional(trueOrFalse, false),
  ...propertyEntries,
};

const optionsSchema = closedObject(optionEntries);
type Options = v.InferOutput<typeof optionsSchema>;

/** A message in a JSON body. Its payload must also be as {@link isEncoded} says. */
export const messageEntries = {
  topic: v.string('a text'),
  payload: v.exactOptional(v.string('a text'), ''),
  encoding: v.exactOptional(v.picklist(['utf8', 'base64'], '"utf8" or "base64"'), 'utf8'),
  ...optionEntries,
};

export function isEncoded({
  encoding,
  payload,
}: {
  readonly encoding: string;
  readonly payload: string;
}): boolean {
  return encoding === 'utf8' || v.BASE64_REGEX.test(payload);
}

const messageSchema = v.pipe(
  closedObject(messageEntries),
  v.forward(
    v.check((message) => isEncoded(message), base64Form),
    ['payload'],
  ),
);

const { retain: _, ...toClientEntries } = messageEntries;
const nameForm = '1 to 128 characters of A-Z, a-z, 0-9 and "._:-"';

/** A message to one client. */
export const clientMessageSchema = v.pipe(
  closedObject({
    ...toClientEntries,
    id: v.exactOptional(
      v.pipe(
        v.string(nameForm),
        v.regex(/^[\w.:-]{1,128}$/, nameForm),
        v.description('Names the message: repeating the request within 7 days queues nothing.'),
      ),
    ),
  }),
  v.forward(
    v.check((message) => isEncoded(message), base64Form),
    ['payload'],
  ),
);

/** @throws Problem `content-type`, `body` */
export function clientMessageFrom(request: HttpRequest): { request: PublishRequest; id?: string } {
  const { topic, payload, encoding, id, ...options } = jsonBody(request, clientMessageSchema);
  const message = publishRequest(topic, Buffer.from(payload, encoding), { ...options, retain: false });
  return { request: message, ...(id === undefined ? {} : { id }) };
}

/** A batch of messages, published in their order. */
export const batchSchema = closedObject({ messages: list(messageSchema, 1, maxBatchMessages) });

/** @throws Problem `content-type`, `body` */
export function messagesFromBatch(request: HttpRequest): PublishRequest[] {
  return jsonBody(request, batchSchema).messages.map(({ topic, payload, encoding, ...options }) =>
    publishRequest(topic, Buffer.from(payload, encoding), options),
  );
}

/**
 * One message: the topic from the path or `?topic=`, options from the query, the body is the
 * payload.
 * @throws Problem `parameter`
 */
export function messageFromRequest(request: HttpRequest, topic: string): PublishRequest {
  const { query, headers } = request;
  const contentType = query.get('contentType') ?? contentTypeOf(headers['content-type']);
  const userProperties = query.getAll('userProperty').map(pairOf);
  const options = checkedParameters(optionsSchema, {
    ...literalParameters(query, ['qos', 'retain', 'expirySeconds', 'utf8']),
    ...textParameters(query, ['responseTopic', 'correlationData']),
    ...(contentType === undefined ? {} : { contentType }),
    ...(userProperties.length === 0 ? {} : { userProperties }),
  });
  return publishRequest(topic, request.body, options);
}

/** Media types that HTTP clients send when they have not been told one. */
const unspecific: ReadonlySet<string> = new Set([
  'application/x-www-form-urlencoded',
  'application/octet-stream',
]);

function contentTypeOf(mediaType: string | undefined): string | undefined {
  return unspecific.has(mediaType?.split(';', 1)[0]?.trim() ?? '') ? undefined : mediaType;
}

function pairOf(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon === -1) throw new Problem('parameter', { detail: 'userProperty: expected NAME:VALUE' });
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function textParameters(query: URLSearchParams, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = query.get(name);
      return text === null ? [] : [[name, text]];
    }),
  );
}

/** A request to publish, with options as the schemas give them. */
export function publishRequest(topic: string, payload: Uint8Array, options: Options): PublishRequest {
  const { qos, retain, expirySeconds, correlationData, utf8, ...texts } = options;
  return {
    topic,
    payload,
    qos,
    retain,
    properties: {
      ...texts,
      ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
      ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData, 'base64') }),
      ...(utf8 === undefined ? {} : { payloadFormatIndicator: utf8 }),
    },
  };
}
