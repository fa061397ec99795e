import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { EventShapeError } from './events.ts';

/** What an HTTP API takes from a function. */
export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Reads an event of API Gateway's HTTP APIs, payload format 2.0
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html). `rawPath` comes
 * percent-decoded, `rawQueryString` as it was sent.
 */
export function httpApiEvent(event: unknown): HttpRequest {
  const { version, rawPath, rawQueryString, headers, body, isBase64Encoded, requestContext } = record(
    event,
    'event',
  );
  if (version !== '2.0') throw new EventShapeError('version is not 2.0');
  const { method } = record(record(requestContext, 'requestContext').http, 'requestContext.http');
  if (typeof method !== 'string' || typeof rawPath !== 'string')
    throw new EventShapeError('method or rawPath is missing');
  const text = typeof body === 'string' ? body : '';
  return {
    method: method.toUpperCase(),
    path: rawPath,
    query: new URLSearchParams(typeof rawQueryString === 'string' ? rawQueryString : ''),
    headers: Object.fromEntries(
      Object.entries(record(headers ?? {}, 'headers')).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
      ),
    ),
    body: Buffer.from(text, isBase64Encoded === true ? 'base64' : 'utf8'),
  };
}

export function httpApiResult({ status, body, contentType, headers }: HttpResponse): HttpApiResult {
  return {
    statusCode: status,
    headers: {
      'cache-control': 'no-store',
      ...(body === undefined ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...headers,
    },
    body: body === undefined ? '' : JSON.stringify(body),
  };
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  throw new EventShapeError(`${name} is no object`);
}
