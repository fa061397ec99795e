/**
 * Headers that Wisp writes, that belong to the connection (RFC 9110 section 7.6.1), that name where
 * a request came from, or that hold credentials.
 */
const reserved =
  /^(?:host|connection|keep-alive|te|trailer|upgrade|expect|forwarded|via|transfer-encoding|accept-encoding|content-.*|webhook-.*|x-forwarded-.*|http2-.*|user-agent|authorization|proxy-.*|cookie|x-api-key)$/i;

/** Whether a rule may not add the header to the requests of its webhook. */
export function isReservedHeader(name: string): boolean {
  return reserved.test(name);
}

/**
 * The headers that a rule adds to a request, in lower case. A row of an older release may have some
 * that are reserved now, or that are no headers: they are left out.
 */
export function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value))
      .filter(([name]) => !isReservedHeader(name))
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
}
