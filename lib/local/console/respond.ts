import type { ServerResponse } from 'node:http';
import type { Reason } from '../../core/reasons.ts';
import { reasons } from '../../core/reasons.ts';
import type { HttpResponse } from '../../http/message.ts';
import { withProblems } from '../../http/problem.ts';
import { UserError } from '../operator/user-error.ts';

/**
 * Headers of every answer: nothing is kept by browsers, guessed at or told to other sites.
 * `Cross-Origin-Resource-Policy` keeps other ports of this machine from embedding it.
 */
const commonHeaders = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
} as const;

/** Headers of the page. @param connectTo origins besides its own that its scripts may talk to */
export function pageHeaders(connectTo: readonly string[]): Readonly<Record<string, string>> {
  return {
    'content-security-policy': [
      "default-src 'self'",
      `connect-src ${["'self'", ...connectTo].join(' ')}`,
      "object-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ].join('; '),
    'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    'x-frame-options': 'DENY',
  };
}

/**
 * Sends what `respond` returns, as JSON. Failures that the operator can correct become problem
 * documents with their code.
 */
export async function sendAnswer(
  response: ServerResponse,
  respond: () => Promise<HttpResponse>,
): Promise<void> {
  const {
    status,
    body,
    contentType = 'application/json',
    headers,
  } = await withProblems(respond).catch(userProblem);
  send(
    response,
    status,
    body === undefined ? {} : { 'content-type': contentType },
    body === undefined ? '' : JSON.stringify(body),
    headers,
  );
}

export function send(
  response: ServerResponse,
  status: number,
  type: Readonly<Record<string, string>>,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  // A 204 has no length (RFC 9110 section 8.6).
  const length = status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(status, { ...commonHeaders, ...type, ...length, ...headers }).end(body);
}

function userProblem(error: unknown): HttpResponse {
  if (!(error instanceof UserError)) throw error;
  const { http: status = 400 }: Reason = reasons[error.code];
  return {
    status,
    contentType: 'application/problem+json',
    body: { type: 'about:blank', title: 'Refused', status, code: error.code, detail: error.message },
  };
}
