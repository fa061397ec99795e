import * as v from 'valibot';
import { boundedText, list } from '../core/validation.ts';
import { maxPemCharacters, publicKeysFromPem } from './pem.ts';
import { type PublicJwk, parsePublicJwk } from './public-jwk.ts';

/** HS256 needs a key no shorter than its hash (RFC 7518 section 3.2). */
export const secretLimits = { minSecretBytes: 32, maxSecretBytes: 512 } as const;

const maxKeysPerIssuer = 16;
const maxUrlCharacters = 2_048;

/** Where the keys of an issuer are, and what they are. */
export type IssuerKeys =
  /**
   * Public JWKs, 1 to 16: EC P-256 → ES256, RSA of 2,048 bits and more → RS256, OKP Ed25519 →
   * EdDSA.
   */
  | { readonly kind: 'inline'; readonly keys: readonly PublicJwk[] }
  /** The same as PEM: 1 to 16 blocks `PUBLIC KEY` or `CERTIFICATE`. */
  | { readonly kind: 'pem'; readonly pem: string }
  /** A JWK set (RFC 7517) at a URL: https, at a public address. Its issuer must have an `iss`. */
  | { readonly kind: 'jwks-url'; readonly url: string }
  /** Shared secret for HS256, base64url without padding, 32 to 512 bytes. */
  | { readonly kind: 'secret'; readonly secret: string }
  /**
   * Shared secret in AWS Secrets Manager: the ARN of the secret. Text is decoded as `base64url`
   * (default) or taken as its UTF-8 bytes (`utf8`, as many providers take it); a binary secret is
   * taken as it is.
   */
  | {
      readonly kind: 'secret-reference';
      readonly reference: string;
      readonly encoding?: 'base64url' | 'utf8';
    };

const secretArn = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]{1,512}$/;

const kinds = '"inline", "pem", "jwks-url", "secret" or "secret-reference"';

/**
 * @param object makes the objects: {@link v.strictObject}, or {@link v.object} to leave out unknown
 *   members.
 */
export function issuerKeysSchema(object: typeof v.strictObject) {
  return v.variant(
    'kind',
    [
      object({ kind: v.literal('inline'), keys: list(jwk, 1, maxKeysPerIssuer) }),
      object({ kind: v.literal('pem'), pem: v.pipe(boundedText(maxPemCharacters), v.rawCheck(checkPem)) }),
      object({ kind: v.literal('jwks-url'), url }),
      object({ kind: v.literal('secret'), secret }),
      object({
        kind: v.literal('secret-reference'),
        reference: v.pipe(
          v.string('the ARN of a secret in AWS Secrets Manager'),
          v.regex(secretArn, 'the ARN of a secret in AWS Secrets Manager'),
        ),
        encoding: v.exactOptional(v.picklist(['base64url', 'utf8'], '"base64url" or "utf8"')),
      }),
    ],
    (issue) => (issue.path === undefined ? 'an object' : kinds),
  );
}

/**
 * Members that Wisp does not use are left out, not refused: JWKs come from libraries that write
 * more of them.
 */
const jwk = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, PublicJwk>(({ dataset, addIssue, NEVER }) => {
    const parsed = parsePublicJwk(dataset.value);
    if ('jwk' in parsed) return parsed.jwk;
    addIssue({ message: parsed.flaw });
    return NEVER;
  }),
);

function checkPem({ dataset, addIssue }: v.RawCheckContext<string>): void {
  const parsed = dataset.typed ? publicKeysFromPem(dataset.value) : { keys: [] };
  if ('flaw' in parsed) addIssue({ message: parsed.flaw });
}

/**
 * `http:` passes here and is refused where keys are fetched, unless the operator allows private
 * hosts: a configuration does not know where it will be used.
 */
const url = v.pipe(
  boundedText(maxUrlCharacters),
  v.check((written) => URL.canParse(written), 'an absolute URL'),
  v.transform((written) => new URL(written)),
  v.check(({ protocol }) => protocol === 'https:' || protocol === 'http:', 'a URL with https'),
  v.check(
    ({ username, password }) => username === '' && password === '',
    'a URL without user name and password',
  ),
  v.check(({ hash }) => hash === '', 'a URL without a fragment'),
  v.transform(({ href }) => href),
);

const { minSecretBytes, maxSecretBytes } = secretLimits;
const secretBytes = (written: string): number => Math.floor((written.length * 3) / 4);

const secret = v.pipe(
  v.string('base64url without padding'),
  v.regex(/^[A-Za-z0-9_-]+$/, 'base64url without padding'),
  v.check((written) => secretBytes(written) >= minSecretBytes, `at least ${minSecretBytes} bytes (256 bits)`),
  v.check((written) => secretBytes(written) <= maxSecretBytes, `at most ${maxSecretBytes} bytes`),
);
