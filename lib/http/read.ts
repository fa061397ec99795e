import type { HttpRequest } from './message.ts';
import { Problem } from './problem.ts';

/**
 * The body as a JSON object. The media type must be JSON: a browser page of elsewhere cannot send that without asking.
 * @throws Problem `content-type`, `body`
 */
export function jsonBody({ headers, body }: HttpRequest): Readonly<Record<string, unknown>> {
  const mediaType = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new Problem('content-type');
  try {
    return object(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)), 'the body');
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('body', { detail: 'the body is not JSON in UTF-8' });
  }
}

export function object(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Problem('body', { detail: `${what} must be an object` });
  return value as Readonly<Record<string, unknown>>;
}

/** @throws Problem `body` naming a member that nobody knows: a typing error must not be taken for a default. */
export function onlyKnown(value: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Problem('body', { detail: `"${unknown.slice(0, 40)}" is none of ${known.join(', ')}` });
}

/** A parameter of the query that must be there. */
export function parameter(query: URLSearchParams, name: string): string {
  const value = query.get(name);
  if (value === null || value === '') throw new Problem('parameter', { detail: `?${name}= is missing` });
  return value;
}

/** A whole number in the query. */
export function integerParameter(
  query: URLSearchParams,
  name: string,
  bounds: { readonly min: number; readonly max: number },
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= bounds.min && value <= bounds.max))
    throw new Problem('parameter', {
      detail: `?${name}= is a whole number from ${bounds.min} to ${bounds.max}`,
    });
  return value;
}

/** `true` or `false` in the query. */
export function booleanParameter(query: URLSearchParams, name: string): boolean | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (text !== 'true' && text !== 'false')
    throw new Problem('parameter', { detail: `?${name}= is true or false` });
  return text === 'true';
}
