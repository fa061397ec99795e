import type { IncomingMessage } from 'node:http';

/**
 * The body of a request; undefined if it is larger than `maxBytes`. It is read to its end in any
 * case, because a client reads no answer before it has sent everything.
 */
export async function readRequestBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= maxBytes) parts.push(part);
  }
  return bytes > maxBytes ? undefined : Buffer.concat(parts);
}
