import type * as v from 'valibot';
import { validate } from '../core/validation.ts';
import type { HttpRequest } from './message.ts';
import { Problem } from './problem.ts';

/**
 * The JSON body, as the schema gives it. The media type must be JSON: browsers send it to another
 * origin only after that origin has agreed (CORS).
 *
 * @throws Problem `content-type`; `body` or the given code, whose detail names the member that is
 *   wrong.
 */
export function jsonBody<Schema extends v.GenericSchema>(
  request: HttpRequest,
  schema: Schema,
  code: 'body' | 'tenant-config' = 'body',
): v.InferOutput<Schema> {
  const result = validate(schema, jsonObject(request));
  if ('flaw' in result) throw new Problem(code, { detail: result.flaw });
  return result.value;
}

/** The JSON body, for what checks it elsewhere. @throws Problem `content-type`, `body` */
export function jsonObject({ headers, body }: HttpRequest): object {
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new Problem('content-type');
  return jsonOf(body);
}

function jsonOf(body: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Not JSON, or not UTF-8: refused below.
  }
  throw new Problem('body', { detail: 'expected a JSON object in UTF-8' });
}

/** A parameter that the query must have. */
export function parameter(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === '') throw new Problem('parameter', { detail: `?${name}= is missing` });
  return value;
}

/**
 * Parameters of the query that are present, as JSON would write them: numbers and `true` and
 * `false` as such, other texts as they are. A schema checks them: `checkedParameters`.
 */
export function literalParameters(
  query: URLSearchParams,
  names: readonly string[],
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = query.get(name);
      return text === null ? [] : [[name, literalOf(text)]];
    }),
  );
}

function literalOf(text: string): string | number | boolean {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}

/** @throws Problem `parameter` */
export function checkedParameters<Schema extends v.GenericSchema>(
  schema: Schema,
  given: Readonly<Record<string, unknown>>,
): v.InferOutput<Schema> {
  const result = validate(schema, given);
  if ('flaw' in result) throw new Problem('parameter', { detail: result.flaw });
  return result.value;
}
