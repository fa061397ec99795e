import { randomBytes } from 'node:crypto';

/** Like `TXzPWdnOjoECGjA=`: connection, message and request ids are 11 bytes of URL-safe base64, padded. */
export function createId(): string {
  return `${randomBytes(11).toString('base64url')}=`;
}

const idPattern = /^[A-Za-z0-9_-]{15}=$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** A new trace as the load balancer writes it: `Root=1-<seconds, hexadecimal>-<96 bits>`. */
export function createTraceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')}`;
}
