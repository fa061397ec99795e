import * as v from 'valibot';

/** The parts of API Gateway's and SQS's events that Wisp reads, validated. */

export interface WebSocketEvent {
  readonly connectionId: string;
  /** Empty if the event has none. */
  readonly routeKey: string;
  readonly body: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/**
 * An event of another shape than the function's integration sends: a wrong deployment, not a
 * client's fault.
 */
export class EventShapeError extends Error {
  readonly code = 'event-shape';
  override readonly name = 'EventShapeError';
}

/** @throws EventShapeError naming the member that is missing or of the wrong type. */
export function parseEvent<Schema extends v.GenericSchema>(
  schema: Schema,
  event: unknown,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, event, { abortEarly: true });
  if (result.success) return result.output;
  const path = v.getDotPath(result.issues[0]) ?? 'event';
  throw new EventShapeError(`${path} is missing or of the wrong type`);
}

/**
 * Texts by name; other values are left out. API Gateway sends null or nothing when there are none.
 */
export const textsByName = v.pipe(
  v.nullish(v.record(v.string(), v.unknown()), {}),
  v.transform((values) =>
    Object.fromEntries(
      Object.entries(values).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name, value] as const] : [],
      ),
    ),
  ),
);

const webSocketSchema = v.object({
  requestContext: v.object({
    connectionId: v.pipe(v.string(), v.minLength(1)),
    routeKey: v.optional(v.string(), ''),
  }),
  body: v.nullish(v.string(), ''),
  headers: textsByName,
  queryStringParameters: textsByName,
});

/** Reads the event of any route of a WebSocket API. @throws EventShapeError */
export function webSocketEvent(event: unknown): WebSocketEvent {
  const { requestContext, body, headers, queryStringParameters } = parseEvent(webSocketSchema, event);
  return { ...requestContext, body, headers: withLowerCaseNames(headers), query: queryStringParameters };
}

export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly receiptHandle: string;
  /**
   * How often the message has been received. 2 if the event does not tell: it may have been handled
   * before.
   */
  readonly receiveCount: number;
  /** Place in a FIFO queue. */
  readonly sequence?: string;
  /** Message attributes that are texts or numbers, by name. */
  readonly messageAttributes?: Readonly<Record<string, string>>;
}

const sqsSchema = v.object({
  Records: v.array(
    v.object({
      messageId: v.string(),
      body: v.string(),
      receiptHandle: v.string(),
      attributes: textsByName,
      messageAttributes: v.nullish(v.record(v.string(), v.looseObject({})), {}),
    }),
  ),
});

/** @throws EventShapeError */
export function sqsRecords(event: unknown): SqsRecord[] {
  return parseEvent(sqsSchema, event).Records.map(({ attributes, messageAttributes, ...record }) => {
    const received = Number(attributes.ApproximateReceiveCount);
    const { SequenceNumber: sequence } = attributes;
    return {
      ...record,
      receiveCount: received >= 1 ? received : 2,
      ...(sequence === undefined ? {} : { sequence }),
      ...textsOf(messageAttributes),
    };
  });
}

function textsOf(attributes: Readonly<Record<string, Readonly<Record<string, unknown>>>>) {
  const texts = Object.entries(attributes).flatMap(([name, { stringValue }]) =>
    typeof stringValue === 'string' ? [[name, stringValue] as const] : [],
  );
  return texts.length === 0 ? {} : { messageAttributes: Object.fromEntries(texts) };
}

export function withLowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
