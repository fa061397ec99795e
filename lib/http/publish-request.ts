import type { PublishRequest } from '../broker/judge-publish.ts';
import type { Qos } from '../core/model.ts';
import type { HttpRequest } from './message.ts';
import { Problem } from './problem.ts';
import { booleanParameter, integerParameter, jsonBody, object, onlyKnown } from './read.ts';

/** Messages in one batch. */
export const maxBatchMessages = 100;
const maxExpirySeconds = 0xffff_ffff;
/** What HTTP clients say of a body when nobody told them its type. */
const saysNothing: ReadonlySet<string> = new Set([
  'application/x-www-form-urlencoded',
  'application/octet-stream',
]);

/** One message: the topic from the path or `?topic=`, options from the query, the payload is the body as it is. */
export function messageFromRequest(request: HttpRequest, topic: string): PublishRequest {
  const { query, headers } = request;
  const mediaType = headers['content-type'];
  const named = mediaType !== undefined && !saysNothing.has(mediaType.split(';', 1)[0]?.trim() ?? '');
  const contentType = query.get('contentType') ?? (named ? mediaType : undefined);
  const responseTopic = query.get('responseTopic') ?? undefined;
  const correlationData = query.get('correlationData');
  const userProperties = query.getAll('userProperty').map((text) => {
    const colon = text.indexOf(':');
    if (colon === -1) throw new Problem('parameter', { detail: '?userProperty= is NAME:VALUE' });
    return [text.slice(0, colon), text.slice(colon + 1)] as const;
  });
  const expirySeconds = integerParameter(query, 'expirySeconds', { min: 0, max: maxExpirySeconds });
  const utf8 = booleanParameter(query, 'utf8');
  return {
    topic,
    payload: request.body,
    qos: (integerParameter(query, 'qos', { min: 0, max: 2 }) ?? 0) as Qos,
    retain: booleanParameter(query, 'retain') ?? false,
    properties: properties({
      expirySeconds,
      contentType,
      responseTopic,
      utf8,
      userProperties: userProperties.length === 0 ? undefined : userProperties,
      correlationData: correlationData === null ? undefined : base64(correlationData, 'correlationData'),
    }),
  };
}

const members = [
  'topic',
  'payload',
  'encoding',
  'qos',
  'retain',
  'expirySeconds',
  'contentType',
  'responseTopic',
  'correlationData',
  'utf8',
  'userProperties',
] as const;

/** A batch: `{ "messages": [{ "topic", "payload", … }] }`, in the order in which they are published. */
export function messagesFromBatch(request: HttpRequest): PublishRequest[] {
  const body = jsonBody(request);
  onlyKnown(body, ['messages']);
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0 || messages.length > maxBatchMessages)
    throw new Problem('body', { detail: `messages: a list of 1 to ${maxBatchMessages}` });
  return messages.map((value: unknown, index) => messageFromJson(value, `messages[${index}]`));
}

function messageFromJson(value: unknown, at: string): PublishRequest {
  const message = object(value, at);
  onlyKnown(message, members);
  const { topic, payload = '', encoding = 'utf8', qos = 0, retain = false, userProperties } = message;
  const { expirySeconds, contentType, responseTopic, correlationData, utf8 } = message;
  if (typeof topic !== 'string') throw flaw(at, 'topic', 'a text');
  if (typeof payload !== 'string') throw flaw(at, 'payload', 'a text');
  if (encoding !== 'utf8' && encoding !== 'base64') throw flaw(at, 'encoding', '"utf8" or "base64"');
  if (qos !== 0 && qos !== 1 && qos !== 2) throw flaw(at, 'qos', '0, 1 or 2');
  if (typeof retain !== 'boolean') throw flaw(at, 'retain', 'true or false');
  if (utf8 !== undefined && typeof utf8 !== 'boolean') throw flaw(at, 'utf8', 'true or false');
  if (expirySeconds !== undefined && !isExpiry(expirySeconds))
    throw flaw(at, 'expirySeconds', `a whole number from 0 to ${maxExpirySeconds}`);
  if (contentType !== undefined && typeof contentType !== 'string') throw flaw(at, 'contentType', 'a text');
  if (responseTopic !== undefined && typeof responseTopic !== 'string')
    throw flaw(at, 'responseTopic', 'a text');
  if (correlationData !== undefined && typeof correlationData !== 'string')
    throw flaw(at, 'correlationData', 'a text in base64');
  if (userProperties !== undefined && !isPairs(userProperties))
    throw flaw(at, 'userProperties', 'a list of [name, value]');
  return {
    topic,
    payload: encoding === 'base64' ? base64(payload, `${at}.payload`) : Buffer.from(payload, 'utf8'),
    qos,
    retain,
    properties: properties({
      expirySeconds,
      contentType,
      responseTopic,
      utf8,
      userProperties,
      correlationData:
        correlationData === undefined ? undefined : base64(correlationData, `${at}.correlationData`),
    }),
  };
}

function properties(given: {
  readonly expirySeconds: number | undefined;
  readonly contentType: string | undefined;
  readonly responseTopic: string | undefined;
  readonly correlationData: Uint8Array | undefined;
  readonly utf8: boolean | undefined;
  readonly userProperties: readonly (readonly [string, string])[] | undefined;
}): PublishRequest['properties'] {
  const { expirySeconds, contentType, responseTopic, correlationData, utf8, userProperties } = given;
  // [MQTT-1.5.4-1 v5], [MQTT-1.5.4-2 v5]
  for (const [name, text] of [
    ['contentType', contentType],
    ['responseTopic', responseTopic],
    ['userProperties', userProperties?.flat().join('')],
  ] as const)
    if (text !== undefined && (text.includes('\0') || /\p{Surrogate}/u.test(text)))
      throw new Problem('body', { detail: `${name}: no U+0000 and no lone surrogate` });
  return {
    ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(responseTopic === undefined ? {} : { responseTopic }),
    ...(correlationData === undefined ? {} : { correlationData }),
    ...(utf8 === undefined ? {} : { payloadFormatIndicator: utf8 }),
    ...(userProperties === undefined ? {} : { userProperties: userProperties.map(([n, v]) => [n, v]) }),
  };
}

function flaw(at: string, member: string, expected: string): Problem {
  return new Problem('body', { detail: `${at}.${member}: ${expected}` });
}

function isExpiry(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= maxExpirySeconds;
}

function isPairs(value: unknown): value is [string, string][] {
  return (
    Array.isArray(value) &&
    value.every(
      (pair) =>
        Array.isArray(pair) && pair.length === 2 && pair.every((part: unknown) => typeof part === 'string'),
    )
  );
}

function base64(text: string, what: string): Uint8Array {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw new Problem('body', { detail: `${what}: base64 with padding` });
  return Buffer.from(text, 'base64');
}
