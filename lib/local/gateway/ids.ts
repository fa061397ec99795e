import { randomBytes } from 'node:crypto';

/**
 * A connection, message or request id: 11 bytes in padded, URL-safe base64, as `TXzPWdnOjoECGjA=`.
 */
export function createId(): string {
  return `${randomBytes(11).toString('base64url')}=`;
}

const idPattern = /^[A-Za-z0-9_-]{15}=$/;

export function isId(text: string): boolean {
  return idPattern.test(text);
}

/** A trace id in the load balancer's format: `Root=1-<seconds, hexadecimal>-<96 bits>`. */
export function createTraceId(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return `Root=1-${seconds}-${randomBytes(12).toString('hex')}`;
}
