import { Buffer } from 'node:buffer';
import { createHmac, randomBytes } from 'node:crypto';

/** Before the Base64 of a secret (Standard Webhooks 1.0.0, "Signature scheme"). */
const secretPrefix = 'whsec_';
/** Bytes of a secret (Standard Webhooks 1.0.0: 24 to 64). */
const webhookSecretBytes = { min: 24, max: 64, new: 32 } as const;

/** @returns a new random secret. */
export function createWebhookSecret(): string {
  return `${secretPrefix}${randomBytes(webhookSecretBytes.new).toString('base64')}`;
}

/** The key of a secret; undefined: the text is no secret of Standard Webhooks. */
export function webhookKeyOf(secret: string): Uint8Array | undefined {
  const text = secret.startsWith(secretPrefix) ? secret.slice(secretPrefix.length) : undefined;
  if (text === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= webhookSecretBytes.min && key.length <= webhookSecretBytes.max ? key : undefined;
}

/** A request as it is signed. */
export interface SignedContent {
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: Uint8Array;
}

/**
 * The headers of Standard Webhooks 1.0.0. There is one signature for each key, so that receivers
 * may change over from one secret to the next.
 */
export function webhookHeaders(
  { id, timestampSeconds, body }: SignedContent,
  keys: readonly Uint8Array[],
): Record<string, string> {
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestampSeconds}.`).update(body);
    return `v1,${hmac.digest('base64')}`;
  });
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    ...(signatures.length === 0 ? {} : { 'webhook-signature': signatures.join(' ') }),
  };
}
