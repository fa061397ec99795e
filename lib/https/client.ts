import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { HttpsError } from './https-error.ts';
import type { ConnectionPool } from './pool.ts';
import { isPublicAddress } from './public-address.ts';

export interface HttpsClientOptions {
  /**
   * Also accepts `http:` and private, loopback and link-local addresses, for a server on the same
   * machine or network. Only the operator can set it, not a tenant. Default: false.
   */
  readonly allowPrivate?: boolean;
  /** Total time for DNS, connection, TLS and answer, in ms. */
  readonly timeoutMs: number;
  /** Connections for several requests. Default: one connection a request. */
  readonly pool?: ConnectionPool;
  /** Default: the system's resolver. */
  readonly resolve?: ResolveHost;
  /** Certificate authorities (PEM) that replace Node's own. */
  readonly ca?: string;
}

export type ResolveHost = (host: string) => Promise<readonly LookupAddress[]>;

export interface HttpsRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/**
 * Sends one request and reads its answer. `read` must bound what it reads; the answer is destroyed
 * when `read` has ended before it. Redirects are answers like others.
 *
 * @throws HttpsError, or what `read` throws.
 */
export type HttpsClient = <Answer>(
  request: HttpsRequest,
  read: (answer: IncomingMessage) => Promise<Answer>,
) => Promise<Answer>;

/**
 * An HTTPS client for URLs that operators or tenants have configured. It is protected against
 * server-side request forgery (OWASP, "Server-Side Request Forgery Prevention"):
 *
 * - Only https.
 * - Every address that the host resolves to must be public. The lookup of the connection itself
 *   checks this, so that the name cannot change in between (DNS rebinding).
 * - Redirects are not followed. No proxy, cookie or credential is used.
 * - Time is bounded.
 */
export function createHttpsClient(options: HttpsClientOptions): HttpsClient {
  const { allowPrivate = false, pool, timeoutMs, ca } = options;
  const resolve = options.resolve ?? ((host) => lookup(host, { all: true, verbatim: true }));
  const lookupChecked = checkedLookup(resolve, allowPrivate);

  async function exchange<Answer>(
    { method, url: text, headers, body }: HttpsRequest,
    read: (answer: IncomingMessage) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const url = checkedUrl(text, allowPrivate);
    const answer = await open(
      url,
      {
        method,
        signal,
        agent: pool?.[url.protocol === 'https:' ? 'https:' : 'http:'] ?? false,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': body.length }) },
        lookup: lookupChecked,
        ...(url.protocol === 'https:' ? { rejectUnauthorized: true } : {}),
        ...(ca === undefined ? {} : { ca }),
      },
      body,
    );
    try {
      return await read(answer);
    } finally {
      if (!answer.complete) answer.destroy();
    }
  }

  return async (request, read) => {
    const deadline = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new HttpsError('timeout'));
        deadline.abort();
      }, timeoutMs);
    });
    try {
      // A race with the timeout, because a DNS query cannot be aborted.
      return await Promise.race([exchange(request, read, deadline.signal), expired]);
    } finally {
      clearTimeout(timer);
    }
  };
}

/** The URL parser normalises decimal, octal, hexadecimal and short forms of IPv4. */
function checkedUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const schemeFits = url?.protocol === 'https:' || (allowPrivate && url?.protocol === 'http:');
  if (url === undefined || !schemeFits || url.username !== '' || url.password !== '' || url.hostname === '') {
    throw new HttpsError('url');
  }
  // A connection to an address looks nothing up.
  const address = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(address) !== 0 && !allowPrivate && !isPublicAddress(address)) throw new HttpsError('address');
  return url;
}

/** The lookup of a connection: answers with addresses that it may use, or with an error. */
function checkedLookup(resolve: ResolveHost, allowPrivate: boolean): NonNullable<RequestOptions['lookup']> {
  return (host, { all }, callback) => {
    checkedAddresses(host, resolve, allowPrivate).then(
      ([first, ...others]) => {
        if (all === true) callback(null, [first, ...others]);
        else callback(null, first.address, first.family);
      },
      (error: HttpsError) => callback(error, []),
    );
  };
}

async function checkedAddresses(
  host: string,
  resolve: ResolveHost,
  allowPrivate: boolean,
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const [first, ...others] = await resolve(host).catch(() => []);
  if (first === undefined) throw new HttpsError('host');
  // A private address among public ones is refused too: it points to an attack.
  const refused = allowPrivate ? [] : [first, ...others].filter(({ address }) => !isPublicAddress(address));
  if (refused.length > 0) throw new HttpsError('address');
  return [first, ...others];
}

/**
 * A server may close a kept connection just when a request goes out on it. Such a request is sent
 * once more, on a connection of its own.
 */
function open(url: URL, options: RequestOptions, body: Uint8Array | undefined): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, options, resolve);
    request.on('error', (error) => {
      const wasClosed = 'code' in error && /^(ECONNRESET|EPIPE)$/.test(String(error.code));
      if (wasClosed && request.reusedSocket) resolve(open(url, { ...options, agent: false }, body));
      else reject(error instanceof HttpsError ? error : new HttpsError('connection'));
    });
    request.end(body);
  });
}
