import { signal } from '@preact/signals';

/** A refusal of the admin API or of the console's server, with its code of docs/errors.md. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  override readonly name = 'ApiProblem';

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export interface CallOptions {
  /** Members that are undefined or empty are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Ends the call; it then fails with an `AbortError`. */
  readonly signal?: AbortSignal | undefined;
}

/** Why the session is over; undefined while it is good. The shell then asks for a new link. */
export const sessionProblem = signal<ApiProblem | undefined>(undefined);

/**
 * Calls the admin API (docs/openapi.json): `admin('GET', '/tenants', { query: { limit: 50 } })`.
 *
 * @param path below `/admin`. Encode names of tenants with `encodeURIComponent`.
 * @returns the answer's JSON; undefined where there is none.
 * @throws ApiProblem
 */
export function admin<Answer>(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return server<Answer>(method, `/admin${path}`, options);
}

/** Calls what the console's own server offers (lib/local/console): `about`, `tokens`, `tenants`. */
export async function server<Answer>(
  method: string,
  path: string,
  { query = {}, body, signal: aborted }: CallOptions = {},
): Promise<Answer> {
  const search = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== '')
    // Not as forms do: in what AWS signs, "+" is no space.
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`)
    .join('&');
  const response = await fetch(`/console${path}${search === '' ? '' : `?${search}`}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    ...(aborted === undefined ? {} : { signal: aborted }),
  }).catch((error: unknown) => {
    if (isAbort(error)) throw error;
    throw new ApiProblem(0, 'console-gone', 'the server of this console does not answer');
  });
  const text = await response.text();
  const answer = parsed(text);
  if (response.ok) return answer as Answer;
  const { code, detail } = (answer ?? {}) as Readonly<Record<string, unknown>>;
  const problem = new ApiProblem(
    response.status,
    typeof code === 'string' ? code : 'admin-api',
    typeof detail === 'string' ? detail : `the service answers ${response.status}`,
  );
  if (problem.code === 'console-session') sessionProblem.value = problem;
  throw problem;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
