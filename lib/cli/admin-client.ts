import { fetchFailure } from '../local/fetch-failure.ts';
import { UserError } from '../local/operator/user-error.ts';

/** The admin API of one deployment (docs/openapi.json). */
export interface AdminClient {
  /**
   * @param path behind `/tenants`, for example `/acme/clients`.
   * @returns the answer's JSON; undefined where it has no body.
   * @throws UserError with the problem's `code` and detail, or `admin-api-silent` where nothing answers.
   */
  call(method: string, path: string, body?: object): Promise<unknown>;
  /** All items of a list that comes in pages. */
  all<Item>(path: string, member: string): AsyncGenerator<Item>;
}

/** Adds what authorises a request. */
export type Sign = (request: AdminRequest) => Promise<Record<string, string>>;

export interface AdminRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/**
 * @param adminUrl as the stack's output `AdminUrl` or local.json tells it.
 * @param sign absent for the local service, which takes what comes from this machine.
 */
export function adminClient(adminUrl: string, sign?: Sign): AdminClient {
  async function call(method: string, path: string, body?: object): Promise<unknown> {
    const request: AdminRequest = {
      method,
      url: new URL(`${adminUrl}/tenants${path}`),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    const headers = sign === undefined ? request.headers : await sign(request);
    const response = await fetch(request.url, {
      method,
      headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    }).catch((error: unknown) => {
      throw new UserError(
        'admin-api-silent',
        `the admin API does not answer at ${request.url.origin} (${fetchFailure(error)})`,
      );
    });
    const text = await response.text();
    const answer = parse(text);
    if (response.ok) return answer;
    const { code, detail, message } = (answer ?? {}) as Record<string, unknown>;
    // API Gateway itself answers with a bare message, for example where the signature does not fit.
    throw new UserError(
      typeof code === 'string' ? code : 'admin-api',
      typeof detail === 'string'
        ? detail
        : `the admin API answers ${response.status}: ${String(message ?? '')}`,
    );
  }
  return {
    call,
    async *all<Item>(path: string, member: string) {
      let next: string | undefined;
      do {
        const separator = path.includes('?') ? '&' : '?';
        const page = (await call(
          'GET',
          `${path}${separator}limit=100${next === undefined ? '' : `&page=${next}`}`,
        )) as Record<string, unknown>;
        yield* page[member] as Item[];
        next = page.next as string | undefined;
      } while (next !== undefined);
    },
  };
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
