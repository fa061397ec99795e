import type { HttpResponse } from './message.ts';

const titles = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
} as const;

export type ProblemStatus = keyof typeof titles;

/** A refusal that becomes a problem document (RFC 9457). `code` is stable; the message holds nothing secret. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  override readonly name = 'Problem';

  constructor(
    status: ProblemStatus,
    code: string,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** application/problem+json with the extension member `code`. */
export function problemResponse({ status, code, message, headers }: Problem): HttpResponse {
  return {
    status,
    contentType: 'application/problem+json',
    headers,
    body: { type: 'about:blank', title: titles[status], status, code, detail: message },
  };
}

/** Runs `respond` and turns a thrown {@link Problem} into its document; anything else is passed on. */
export async function withProblems(respond: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await respond();
  } catch (error) {
    if (error instanceof Problem) return problemResponse(error);
    throw error;
  }
}
