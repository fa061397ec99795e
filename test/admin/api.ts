import { expect } from 'vitest';
import { type Exchange, flawsOf, operationOf } from './openapi.ts';

export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: each test knows the form of its answer
  readonly body: any;
}

export interface Api {
  (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Operations of the document that were used. */
  readonly used: ReadonlySet<string>;
}

/** Calls the API over HTTP and compares every exchange with docs/openapi.json. */
export function apiAt(baseUrl: string): Api {
  const used = new Set<string>();
  const call = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    const url = new URL(baseUrl + path);
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(url, {
      method,
      headers: { ...(body === undefined || isRaw ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const exchange: Exchange = {
      method,
      url,
      body,
      status: response.status,
      contentType: response.headers.get('content-type'),
      answer: text === '' ? undefined : JSON.parse(text),
    };
    expect(flawsOf(exchange), `${method} ${path} → ${response.status} ${text}`).toEqual([]);
    const operation = operationOf(method, url);
    if (operation !== undefined && response.status < 400) used.add(operation);
    return { status: exchange.status, contentType: exchange.contentType, body: exchange.answer };
  };
  return Object.assign(call, { used });
}
