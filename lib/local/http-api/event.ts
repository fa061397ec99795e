import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** An event of payload format 2.0, with the members that functions use. */
export interface HttpApiEvent {
  readonly version: '2.0';
  readonly routeKey: string;
  readonly rawPath: string;
  readonly rawQueryString: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly queryStringParameters?: Readonly<Record<string, string>>;
  readonly requestContext: {
    readonly http: {
      readonly method: string;
      readonly path: string;
      readonly protocol: string;
      readonly sourceIp: string;
      readonly userAgent: string;
    };
    readonly requestId: string;
    readonly routeKey: string;
    readonly stage: '$default';
    readonly timeEpoch: number;
  };
  readonly body?: string;
  readonly isBase64Encoded: boolean;
}

/** Bodies of these types are text. HTTP APIs treat all others as binary. */
const textTypes = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded)\b)/i;

/**
 * Creates the event of a request; undefined if the path's percent-encoding is malformed. Like HTTP
 * APIs it decodes the path, drops everything after a decoded `?`, joins repeated headers with
 * commas and keeps the raw query unchanged.
 */
export function createHttpApiEvent(
  request: IncomingMessage,
  body: Buffer,
  nowMs: number,
): HttpApiEvent | undefined {
  const [rawUrl = '/', ...rest] = (request.url ?? '/').split('?');
  const rawQueryString = rest.join('?');
  const path = decoded(rawUrl);
  if (path === undefined) return undefined;
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(',') : value] as const],
    ),
  );
  const isText = textTypes.test(headers['content-type'] ?? 'text/plain');
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(rawQueryString))
    parameters[name] = parameters[name] === undefined ? value : `${parameters[name]},${value}`;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString,
    headers,
    ...(rawQueryString === '' ? {} : { queryStringParameters: parameters }),
    requestContext: {
      http: {
        method: request.method ?? 'GET',
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      timeEpoch: nowMs,
    },
    ...(body.length === 0 ? {} : { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path).split('?', 1)[0];
  } catch {
    return undefined;
  }
}
