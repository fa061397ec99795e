import type { IncomingMessage } from 'node:http';
import { createHttpsClient, type HttpsClientOptions, HttpsError, type HttpsFault } from '../https/index.ts';
import { KeyFetchError, type KeyFetchErrorCode } from './key-fetch-error.ts';

/** Fetches the body of a URL that an operator or tenant has configured. @throws KeyFetchError */
export type FetchText = (url: string) => Promise<string>;

export interface HttpsGetOptions extends Pick<HttpsClientOptions, 'allowPrivate' | 'resolve' | 'ca'> {
  /** Total time for DNS, connection, TLS and answer. Default: 3,000 ms. */
  readonly timeoutMs?: number;
  /**
   * Default: 131,072. The largest sets of well-known providers, with certificates, have about 30
   * KB.
   */
  readonly maxBytes?: number;
}

const codes: Readonly<Record<HttpsFault, KeyFetchErrorCode>> = {
  url: 'keys-url',
  address: 'keys-address',
  host: 'keys-host',
  timeout: 'keys-timeout',
  connection: 'keys-connection',
};

/** A GET by the guarded client of lib/https. Redirects are refused; the size is bounded. */
export function httpsGet(options: HttpsGetOptions = {}): FetchText {
  const { timeoutMs = 3_000, maxBytes = 131_072, ...guard } = options;
  const send = createHttpsClient({ ...guard, timeoutMs });
  const headers = { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' };
  return async (url) => {
    try {
      return await send({ method: 'GET', url, headers }, (answer) => readKeys(answer, maxBytes));
    } catch (error) {
      if (error instanceof KeyFetchError) throw error;
      throw new KeyFetchError(error instanceof HttpsError ? codes[error.fault] : 'keys-connection');
    }
  };
}

async function readKeys(answer: IncomingMessage, maxBytes: number): Promise<string> {
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
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new KeyFetchError('keys-encoding');
  }
}
