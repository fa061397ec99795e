import { type ReasonName, reasons } from '../core/reasons.ts';
import { fetchFailure } from '../local/fetch-failure.ts';
import { UserError } from '../local/operator/user-error.ts';

/** Client of one deployment's admin API (docs/openapi.json). */
export interface AdminClient {
  /** `https://host/admin` */
  readonly url: string;
  /** Absent for the local service. */
  readonly sign?: Sign;
  /**
   * @param path after `/tenants`, for example `/acme/clients`.
   * @returns the response's JSON; undefined without a body.
   * @throws UserError with the problem's code and detail, or `admin-api-silent` without a response.
   */
  call(method: string, path: string, body?: object): Promise<unknown>;
  /** The text of a resource that is no JSON. @param path after `/admin`. @throws as {@link call} */
  text(path: string): Promise<string>;
  /** All items of a paged list. `member` names the list in each page. */
  all<Item>(path: string, member: string): AsyncGenerator<Item>;
}

/** Returns the request's headers with those that authorise it. */
export type Sign = (request: AdminRequest) => Promise<Record<string, string>>;

export interface AdminRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/**
 * @param adminUrl from the stack's output `AdminUrl` or from the local service's state.
 * @param sign absent for the local service, which accepts requests from this machine.
 */
export function createAdminClient(adminUrl: string, sign?: Sign): AdminClient {
  async function send(method: string, path: string, body?: object): Promise<string> {
    const request: AdminRequest = {
      method,
      url: new URL(adminUrl + path),
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
    if (response.ok) return text;
    const { code, detail, message } = (parseJsonText(text) ?? {}) as Record<string, unknown>;
    // API Gateway's own errors, such as a wrong signature, have only a message.
    throw new UserError(
      knownReason(code),
      typeof detail === 'string'
        ? detail
        : `the admin API answers ${response.status}: ${String(message ?? '')}`,
    );
  }
  const call = async (method: string, path: string, body?: object): Promise<unknown> =>
    parseJsonText(await send(method, `/tenants${path}`, body));
  return {
    url: adminUrl,
    ...(sign === undefined ? {} : { sign }),
    call,
    text: (path) => send('GET', path),
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

/** A newer service may answer with codes that this release does not know. */
export function knownReason(code: unknown): ReasonName {
  return typeof code === 'string' && Object.hasOwn(reasons, code) ? (code as ReasonName) : 'admin-api';
}

function parseJsonText(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
