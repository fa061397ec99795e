import {
  type HttpReasonName,
  type HttpStatus,
  type ReasonName,
  reasonMessage,
  reasons,
} from '../core/reasons.ts';
import type { HttpResponse } from './message.ts';

const titles: Readonly<Record<HttpStatus, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  429: 'Too Many Requests',
  502: 'Bad Gateway',
};

export interface ProblemOptions {
  /**
   * Follows the message of the catalogue. Names what is wrong, never a value that the client sent.
   */
  readonly detail?: string;
  /** Replaces the message of the catalogue, for a refusal that has one. */
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The code for counters and the log, where the client is told less. */
  readonly notedAs?: ReasonName;
}

/**
 * A refusal that becomes a problem document (RFC 9457); the catalogue of reasons has its status and
 * message.
 */
export class Problem extends Error {
  readonly status: HttpStatus;
  readonly code: HttpReasonName;
  readonly headers: Readonly<Record<string, string>>;
  readonly notedAs: ReasonName;
  override readonly name = 'Problem';

  constructor(code: HttpReasonName, options: ProblemOptions = {}) {
    super(options.message ?? reasonMessage(code, options.detail));
    this.code = code;
    this.status = reasons[code].http;
    this.headers = options.headers ?? {};
    this.notedAs = options.notedAs ?? code;
  }
}

/** application/problem+json with the extension member `code`. */
function problemResponse({ status, code, message, headers }: Problem): HttpResponse {
  return {
    status,
    contentType: 'application/problem+json',
    headers,
    body: { type: 'about:blank', title: titles[status], status, code, detail: message },
  };
}

/**
 * Runs `respond` and turns a thrown {@link Problem} into its document. Other errors are thrown on.
 */
export async function withProblems(respond: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await respond();
  } catch (error) {
    if (error instanceof Problem) return problemResponse(error);
    throw error;
  }
}
