/** A request to an HTTP API, independent of AWS's event format. */
export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /**
   * Percent-decoded, as HTTP APIs pass it. Names that may hold any character are in the query
   * instead.
   */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  /** Sent as JSON; absent: no body. */
  readonly body?: unknown;
  /** Sent as it is, in place of `body`; it needs its `contentType`. */
  readonly text?: string;
  /** Default: application/json. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}
