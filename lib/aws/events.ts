/** The parts of API Gateway's and SQS's events that Wisp reads, checked before they are believed. */

export interface WebSocketEvent {
  readonly connectionId: string;
  /** Empty where the event has none. */
  readonly routeKey: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** An event of another shape than the function was deployed for: a wrong integration, not a client's fault. */
export class EventShapeError extends Error {
  readonly code = 'event-shape';
  override readonly name = 'EventShapeError';
}

/** Reads the event of any route of a WebSocket API; header names become lower-case. */
export function webSocketEvent(event: unknown): WebSocketEvent {
  const root = record(event, 'event');
  const context = record(root.requestContext, 'requestContext');
  const { connectionId, routeKey } = context;
  if (typeof connectionId !== 'string' || connectionId === '')
    throw new EventShapeError('requestContext.connectionId is missing');
  return {
    connectionId,
    routeKey: typeof routeKey === 'string' ? routeKey : '',
    body: typeof root.body === 'string' ? root.body : '',
    headers: strings(root.headers, (name) => name.toLowerCase()),
    query: strings(root.queryStringParameters, (name) => name),
  };
}

export interface SqsRecord {
  readonly messageId: string;
  readonly body: string;
  readonly receiptHandle: string;
  /** How often the message has been received; 2 where the event does not say: it may have been worked on. */
  readonly receiveCount: number;
}

export function sqsRecords(event: unknown): SqsRecord[] {
  const { Records } = record(event, 'event');
  if (!Array.isArray(Records)) throw new EventShapeError('Records is missing');
  return Records.map((value: unknown) => {
    const { messageId, body, receiptHandle, attributes } = record(value, 'record');
    if (typeof messageId !== 'string' || typeof body !== 'string' || typeof receiptHandle !== 'string')
      throw new EventShapeError('a record lacks messageId, body or receiptHandle');
    const received = Number(strings(attributes, (name) => name).ApproximateReceiveCount);
    return { messageId, body, receiptHandle, receiveCount: received >= 1 ? received : 2 };
  });
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new EventShapeError(`${name} is no object`);
}

function strings(value: unknown, rename: (name: string) => string): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, text]) =>
      typeof text === 'string' ? [[rename(name), text] as const] : [],
    ),
  );
}
