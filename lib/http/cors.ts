import { everyOrigin } from '../core/origins.ts';
import type { HttpRequest, HttpResponse } from './message.ts';

/**
 * Seconds for which a browser may keep the answer to a preflight: the most that Chromium keeps it.
 * Each preflight is a request to the function.
 */
const preflightSeconds = 7_200;

/**
 * Lets pages of `origins` use the paths of tenants (CORS): answers a preflight, which carries no
 * token, and says in each other answer whether the page may read it. A page sends its token in a
 * header, so no answer allows credentials that a browser adds by itself.
 *
 * @param methods that the path has, such as `POST`
 * @param origins such as `https://app.example.com`; `*` means all, none none
 */
export async function answerPages(
  methods: string,
  origins: readonly string[],
  { method, headers }: HttpRequest,
  respond: () => Promise<HttpResponse>,
): Promise<HttpResponse> {
  const isPreflight = method === 'OPTIONS';
  const response: HttpResponse = isPreflight ? { status: 204 } : await respond();
  const origin = allowedOrigin(origins, headers.origin);
  if (origin === undefined) return withHeaders(response, origins.length === 0 ? {} : { vary: 'origin' });
  return withHeaders(response, {
    ...(origin === everyOrigin ? {} : { vary: 'origin' }),
    'access-control-allow-origin': origin,
    ...(isPreflight
      ? {
          'access-control-allow-methods': methods,
          'access-control-allow-headers': 'authorization, content-type',
          'access-control-max-age': String(preflightSeconds),
        }
      : {}),
  });
}

function allowedOrigin(origins: readonly string[], origin: string | undefined): string | undefined {
  if (origins.includes(everyOrigin)) return everyOrigin;
  return origins.find((allowed) => allowed === origin);
}

function withHeaders(response: HttpResponse, headers: Readonly<Record<string, string>>): HttpResponse {
  return { ...response, headers: { ...response.headers, ...headers } };
}
