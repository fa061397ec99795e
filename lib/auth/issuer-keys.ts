import { fail, list, record, text } from './config-checks.ts';
import { maxPemCharacters, publicKeysFromPem } from './pem.ts';
import type { PublicJwk } from './public-jwk.ts';
import { parsePublicJwk } from './public-jwk.ts';

/** HS256 wants a key no shorter than its hash (RFC 7518 section 3.2). */
export const secretLimits = { minSecretBytes: 32, maxSecretBytes: 512 } as const;

const maxKeysPerIssuer = 16;
const maxUrlCharacters = 2_048;

/** Where the keys of an issuer are, and what they are. */
export type IssuerKeys =
  /** Public JWKs, 1 to 16: EC P-256 → ES256, RSA of 2,048 bits and more → RS256, OKP Ed25519 → EdDSA. */
  | { readonly kind: 'inline'; readonly keys: readonly PublicJwk[] }
  /** The same as PEM: 1 to 16 blocks `PUBLIC KEY` or `CERTIFICATE`. */
  | { readonly kind: 'pem'; readonly pem: string }
  /** A JWK set (RFC 7517) at a URL: https, at a public address. Its issuer must say its `iss`. */
  | { readonly kind: 'jwks-url'; readonly url: string }
  /** Shared secret for HS256, base64url without padding, 32 to 512 bytes. */
  | { readonly kind: 'secret'; readonly secret: string }
  /**
   * Shared secret in AWS Secrets Manager: the secret's ARN. Text is `base64url` (default) or counts by its UTF-8 bytes
   * (`utf8`, as many providers take it); a binary secret counts as it is.
   */
  | {
      readonly kind: 'secret-reference';
      readonly reference: string;
      readonly encoding?: 'base64url' | 'utf8';
    };

const secretArn = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}$/;

/** @throws TenantConfigError */
export function parseIssuerKeys(value: unknown, at: string): IssuerKeys {
  const keys = record(value, at);
  switch (keys.kind) {
    case 'inline':
      return parseInline(keys.keys, at);
    case 'pem': {
      const pem = text(keys.pem, `${at}.pem`, maxPemCharacters);
      const parsed = publicKeysFromPem(pem);
      return 'flaw' in parsed ? fail(`${at}.pem: ${parsed.flaw}`) : { kind: 'pem', pem };
    }
    case 'jwks-url':
      return { kind: 'jwks-url', url: parseUrl(keys.url, `${at}.url`) };
    case 'secret':
      return { kind: 'secret', secret: parseSecret(keys.secret, `${at}.secret`) };
    case 'secret-reference':
      return parseReference(keys, at);
    default:
      return fail(`${at}.kind: "inline", "pem", "jwks-url", "secret" or "secret-reference"`);
  }
}

function parseInline(value: unknown, at: string): IssuerKeys {
  const jwks = list(value, `${at}.keys`, maxKeysPerIssuer);
  if (jwks.length === 0) fail(`${at}.keys: at least one key`);
  return {
    kind: 'inline',
    keys: jwks.map((jwk, index) => {
      const parsed = parsePublicJwk(jwk);
      return 'flaw' in parsed ? fail(`${at}.keys[${index}]: ${parsed.flaw}`) : parsed.jwk;
    }),
  };
}

/**
 * `http:` passes here and is refused where keys are fetched, unless whoever runs the service allows private hosts: a
 * configuration cannot know where it will be used.
 */
function parseUrl(value: unknown, at: string): string {
  const written = text(value, at, maxUrlCharacters);
  const url = URL.canParse(written) ? new URL(written) : fail(`${at}: an absolute URL`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') fail(`${at}: a URL with https`);
  if (url.username !== '' || url.password !== '') fail(`${at}: a URL without user name and password`);
  if (url.hash !== '') fail(`${at}: a URL without a fragment`);
  return url.href;
}

function parseSecret(secret: unknown, at: string): string {
  if (typeof secret !== 'string' || !/^[A-Za-z0-9_-]+$/.test(secret)) {
    return fail(`${at}: base64url without padding`);
  }
  const { minSecretBytes, maxSecretBytes } = secretLimits;
  const bytes = Math.floor((secret.length * 3) / 4);
  if (bytes < minSecretBytes) fail(`${at}: at least ${minSecretBytes} bytes (256 bits)`);
  if (bytes > maxSecretBytes) fail(`${at}: at most ${maxSecretBytes} bytes`);
  return secret;
}

function parseReference({ reference, encoding }: Record<string, unknown>, at: string): IssuerKeys {
  if (typeof reference !== 'string' || !secretArn.test(reference)) {
    return fail(`${at}.reference: the ARN of a secret in AWS Secrets Manager`);
  }
  if (encoding === undefined) return { kind: 'secret-reference', reference };
  if (encoding !== 'base64url' && encoding !== 'utf8') return fail(`${at}.encoding: "base64url" or "utf8"`);
  return { kind: 'secret-reference', reference, encoding };
}
