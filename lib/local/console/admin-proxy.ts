import { isObject } from '../../core/validation.ts';
import type { HttpResponse } from '../../http/message.ts';
import { Problem } from '../../http/problem.ts';
import { fetchFailure } from '../fetch-failure.ts';
import { UserError } from '../operator/user-error.ts';

/** A request to the admin API, to which headers that authorise it may be added. */
export interface ProxiedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Record<string, string>;
  readonly body?: string;
}

/** @returns all headers of the request. */
export type SignRequest = (request: ProxiedRequest) => Promise<Record<string, string>>;

export interface AdminApi {
  /** `https://host/admin` */
  readonly url: string;
  /** Absent: the API of this machine, which asks programs for no signature. */
  readonly sign?: SignRequest;
}

/**
 * Calls the admin API for the page.
 *
 * @param path with the query, as the page wrote it: `/tenants/acme/client?clientId=a%20b`
 * @throws Problem `not-found` for a path outside of the API, `console-admin-silent`; UserError
 *   `admin-api`
 */
export async function callAdmin(
  { url: apiUrl, sign }: AdminApi,
  method: string,
  path: string,
  body?: string,
): Promise<HttpResponse> {
  // URLs resolve "..", in whatever form it is written: the result must still be within the API.
  const url = new URL(apiUrl);
  const prefix = `${url.pathname}/`;
  const [pathname = '', ...query] = path.split('?');
  url.pathname = `${url.pathname}${pathname}`;
  url.search = query.join('?');
  if (!url.pathname.startsWith(prefix)) throw new Problem('not-found');
  const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const request = { method, url, headers, ...(body === undefined ? {} : { body }) };
  const response = await fetch(url, {
    method,
    headers: sign === undefined ? headers : await sign(request),
    redirect: 'error',
    ...(body === undefined ? {} : { body }),
  }).catch((error: unknown) => {
    throw new Problem('console-admin-silent', { detail: fetchFailure(error) });
  });
  const text = await response.text();
  const answer = parsed(text);
  const isProblem = isObject(answer) && typeof answer.code === 'string';
  if (response.ok ? answer !== undefined || text === '' : isProblem)
    return { status: response.status, ...(text === '' ? {} : { body: answer }) };
  // API Gateway's own errors, such as a wrong signature, have only a message.
  const message = isObject(answer) && typeof answer.message === 'string' ? `: ${answer.message}` : '';
  throw new UserError('admin-api', `the admin API answers ${response.status}${message}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
