import * as v from 'valibot';
import type { HttpRequest, HttpResponse } from '../http/message.ts';
import { parseEvent, textsByName, withLowerCaseNames } from './events.ts';

/** The answer of a function to an HTTP API, payload format 2.0. */
export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const httpApiSchema = v.object({
  version: v.literal('2.0'),
  rawPath: v.string(),
  rawQueryString: v.optional(v.string(), ''),
  headers: textsByName,
  body: v.nullish(v.string(), ''),
  isBase64Encoded: v.optional(v.boolean(), false),
  requestContext: v.object({ http: v.object({ method: v.string() }) }),
});

/**
 * Reads an event of API Gateway's HTTP APIs, payload format 2.0. `rawPath` is percent-decoded,
 * `rawQueryString` is not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * @throws EventShapeError
 */
export function httpApiEvent(event: unknown): HttpRequest {
  const { rawPath, rawQueryString, headers, body, isBase64Encoded, requestContext } = parseEvent(
    httpApiSchema,
    event,
  );
  return {
    method: requestContext.http.method.toUpperCase(),
    path: rawPath,
    query: new URLSearchParams(rawQueryString),
    headers: withLowerCaseNames(headers),
    body: Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'),
  };
}

export function httpApiResult({ status, body, text, contentType, headers }: HttpResponse): HttpApiResult {
  const content = text ?? (body === undefined ? '' : JSON.stringify(body));
  return {
    statusCode: status,
    headers: {
      'cache-control': 'no-store',
      ...(content === '' ? {} : { 'content-type': contentType ?? 'application/json' }),
      ...headers,
    },
    body: content,
  };
}
