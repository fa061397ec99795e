import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { type RequestOptions as HttpsOptions, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { KeyFetchError } from './key-fetch-error.ts';
import { isPublicAddress } from './public-address.ts';

/** Fetches the body of a URL that an operator or tenant has configured. @throws KeyFetchError */
export type FetchText = (url: string) => Promise<string>;

export interface HttpsGetOptions {
  /**
   * Also accepts `http:` and private, loopback and link-local addresses, for an identity provider
   * on the same machine or network. Only the operator can set it, not a tenant. Default: false.
   */
  readonly allowPrivate?: boolean;
  /** Total time for DNS, connection, TLS and answer. Default: 3,000 ms. */
  readonly timeoutMs?: number;
  /**
   * Default: 131,072. The largest sets of well-known providers, with certificates, have about 30
   * KB.
   */
  readonly maxBytes?: number;
  /** Default: the system's resolver. */
  readonly resolve?: (host: string) => Promise<readonly LookupAddress[]>;
  /** Certificate authorities (PEM) that replace Node's own. */
  readonly ca?: string;
}

/**
 * A GET that is protected against server-side request forgery (OWASP, "Server-Side Request Forgery
 * Prevention"):
 *
 * - Only https.
 * - Every address that the host resolves to must be public. The connection uses these addresses and
 *   does not resolve the name again, which prevents DNS rebinding.
 * - Redirects are refused. No proxy, cookie or credential is used.
 * - Time and size are bounded.
 */
export function httpsGet(options: HttpsGetOptions = {}): FetchText {
  const { allowPrivate = false, timeoutMs = 3_000, maxBytes = 131_072, ca } = options;
  const resolve = options.resolve ?? ((host) => lookup(host, { all: true, verbatim: true }));

  async function get(text: string, signal: AbortSignal): Promise<string> {
    const url = checkedUrl(text, allowPrivate);
    const addresses = await checkedAddresses(url, resolve, allowPrivate);
    signal.throwIfAborted();
    const answer = await requestText(url, {
      signal,
      agent: false,
      rejectUnauthorized: true,
      headers: { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' },
      lookup: pinned(addresses),
      ...(ca === undefined ? {} : { ca }),
    });
    return readBody(answer, maxBytes);
  }

  return async (text) => {
    const deadline = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new KeyFetchError('keys-timeout'));
        deadline.abort();
      }, timeoutMs);
    });
    try {
      // A race with the timeout, because a DNS query cannot be aborted.
      return await Promise.race([get(text, deadline.signal), expired]);
    } catch (error) {
      throw error instanceof KeyFetchError ? error : new KeyFetchError('keys-connection');
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
    throw new KeyFetchError('keys-url');
  }
  return url;
}

async function checkedAddresses(
  url: URL,
  resolve: (host: string) => Promise<readonly LookupAddress[]>,
  allowPrivate: boolean,
): Promise<readonly LookupAddress[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const addresses = family === 0 ? await resolved(host, resolve) : [{ address: host, family }];
  if (addresses.length === 0) throw new KeyFetchError('keys-host');
  // A private address among public ones is refused too: it points to an attack.
  if (!allowPrivate && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new KeyFetchError('keys-address');
  }
  return addresses;
}

async function resolved(
  host: string,
  resolve: (host: string) => Promise<readonly LookupAddress[]>,
): Promise<readonly LookupAddress[]> {
  try {
    return await resolve(host);
  } catch {
    throw new KeyFetchError('keys-host');
  }
}

/** Answers every lookup with the checked addresses. */
function pinned(addresses: readonly LookupAddress[]): NonNullable<RequestOptions['lookup']> {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all || first === undefined) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };
}

function requestText(url: URL, options: HttpsOptions): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    request(url, options, resolve).on('error', reject).end();
  });
}

async function readBody(answer: IncomingMessage, maxBytes: number): Promise<string> {
  try {
    const { statusCode = 0, headers } = answer;
    if (statusCode >= 300 && statusCode < 400) throw new KeyFetchError('keys-redirect');
    if (statusCode !== 200) throw new KeyFetchError('keys-status');
    const encoding = headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') throw new KeyFetchError('keys-encoding');
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw new KeyFetchError('keys-too-large');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new KeyFetchError('keys-too-large');
      chunks.push(chunk);
    }
    return decode(Buffer.concat(chunks));
  } finally {
    answer.destroy();
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new KeyFetchError('keys-encoding');
  }
}
