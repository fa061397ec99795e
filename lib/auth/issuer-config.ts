import * as v from 'valibot';
import { boundedText, closedObject, list, record } from '../core/validation.ts';
import { type ClaimPath, isClaimPath, isGrantFilter } from './claim-path.ts';
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
function issuerKeysSchema(object: typeof v.strictObject) {
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

const issuerLimits = {
  maxAudiences: 16,
  /** Characters of `iss`, of each audience, and of values of claims. */
  maxNameCharacters: 512,
  maxClockToleranceSeconds: 300,
  /** Ten years: largest `maxTokenSeconds`. */
  longestTokenSeconds: 315_360_000,
  /** Claims that are required, and accepted values of each. */
  maxRequirements: 16,
  maxRoles: 64,
  /** Filters in one list of grants. */
  maxFilters: 64,
} as const;

/**
 * Topic filters that may be published or subscribed to, with MQTT wildcards and placeholders such
 * as `${sub}`.
 */
export interface Grants {
  readonly publish?: readonly string[];
  readonly subscribe?: readonly string[];
}

/** Claims that Wisp reads in the tokens of an issuer in place of its own. */
export interface ClaimMapping {
  /** The client id that the token requires. A token without this claim is refused. */
  readonly clientId?: ClaimPath;
  /** What `${username}` stands for. Default: `username`. */
  readonly username?: ClaimPath;
  /** A topic filter or a list of them. Each of these two replaces the claims `mqtt` and `acl`. */
  readonly publish?: ClaimPath;
  readonly subscribe?: ClaimPath;
  /**
   * The tenant that the token is for. A token without this claim, or for another tenant, is
   * refused.
   */
  readonly tenant?: ClaimPath;
  /** What the token narrows of the tenant's quotas. Default: `/mqtt/quotas`. */
  readonly quotas?: ClaimPath;
}

export type ClaimValue = string | boolean;

/** How the claims of an issuer's tokens are read; see docs/tokens.md. */
export interface IssuerClaims {
  readonly claimMapping?: ClaimMapping;
  /**
   * Claims that a token must have, each with one of these values; a claim that is a list must
   * contain one.
   */
  readonly requiredClaims?: Readonly<Record<ClaimPath, ClaimValue | readonly ClaimValue[]>>;
  /**
   * Grants by role or group: `claim` is a list of names, and each name that is a member of `grants`
   * adds those.
   */
  readonly roleGrants?: { readonly claim: ClaimPath; readonly grants: Readonly<Record<string, Grants>> };
  /** For tokens without a claim that grants something and without a role that does. */
  readonly defaultGrants?: Grants;
}

/** An issuer of tokens for a tenant. */
export interface IssuerConfig extends IssuerClaims {
  /** The `iss` that its tokens must carry. Absent: `iss` is not checked. */
  readonly iss?: string;
  /** The `aud` of its tokens must contain one of these. Absent: `aud` is not checked. */
  readonly audience?: string | readonly string[];
  readonly keys: IssuerKeys;
  /** Leeway for `exp` and `nbf`, 0 to 300. Default: 0. */
  readonly clockToleranceSeconds?: number;
  /**
   * Longest lifetime of a token in seconds, 1 to 315,360,000: `exp` minus `iat`, or minus the
   * current time where `iat` is absent or later. A token without `exp` is refused too. Absent: no
   * limit.
   */
  readonly maxTokenSeconds?: number;
}

const { maxAudiences, maxNameCharacters, maxClockToleranceSeconds, maxRequirements, maxRoles, maxFilters } =
  issuerLimits;

const name = boundedText(maxNameCharacters);
const claimPathForm = 'the name of a claim, or a JSON Pointer such as "/realm_access/roles"';
const claimPath = v.pipe(
  v.string(claimPathForm),
  v.check((path) => isClaimPath(path), claimPathForm),
);
const claimValue = v.union([v.boolean(), name], 'true, false or a text');
const filterForm = 'a topic filter, without "$share/name/"';
const filters = list(
  v.pipe(
    v.string(filterForm),
    v.check((filter) => isGrantFilter(filter), filterForm),
  ),
  0,
  maxFilters,
);
const tokenSeconds = `a whole number from 1 to ${issuerLimits.longestTokenSeconds}`;
const tolerance = `a number from 0 to ${maxClockToleranceSeconds}`;

const grantsSchema = closedObject({
  publish: v.exactOptional(filters),
  subscribe: v.exactOptional(filters),
});

const claimEntries = {
  claimMapping: v.exactOptional(
    closedObject({
      clientId: v.exactOptional(claimPath),
      username: v.exactOptional(claimPath),
      publish: v.exactOptional(claimPath),
      subscribe: v.exactOptional(claimPath),
      tenant: v.exactOptional(claimPath),
      quotas: v.exactOptional(claimPath),
    } satisfies Readonly<Record<keyof ClaimMapping, unknown>>),
  ),
  // An empty list would admit no token.
  requiredClaims: v.exactOptional(
    record(
      claimPath,
      v.union(
        [claimValue, list(claimValue, 1, maxRequirements)],
        `true, false, a text or a list of 1 to ${maxRequirements} of these`,
      ),
      maxRequirements,
    ),
  ),
  roleGrants: v.exactOptional(
    closedObject({ claim: claimPath, grants: record(name, grantsSchema, maxRoles) }),
  ),
  defaultGrants: v.exactOptional(grantsSchema),
} satisfies Readonly<Record<keyof IssuerClaims, unknown>>;

/**
 * @param object makes the objects: {@link v.strictObject}, or {@link v.object} to leave out unknown
 *   members.
 */
export function issuerSchema(object: typeof v.strictObject) {
  return v.pipe(
    object({
      iss: v.exactOptional(name),
      // An empty list would admit no token; without the member every audience is accepted.
      audience: v.exactOptional(
        v.union([name, list(name, 1, maxAudiences)], `a text or a list of 1 to ${maxAudiences} texts`),
      ),
      keys: issuerKeysSchema(object),
      clockToleranceSeconds: v.exactOptional(
        v.pipe(
          v.number(tolerance),
          v.minValue(0, tolerance),
          v.maxValue(maxClockToleranceSeconds, tolerance),
        ),
      ),
      maxTokenSeconds: v.exactOptional(
        v.pipe(
          v.number(tokenSeconds),
          v.integer(tokenSeconds),
          v.minValue(1, tokenSeconds),
          v.maxValue(issuerLimits.longestTokenSeconds, tokenSeconds),
        ),
      ),
      ...claimEntries,
    } satisfies Readonly<Record<keyof IssuerConfig, unknown>>),
    // Providers sign for all their customers with the keys of one set: only `iss` tells these
    // apart.
    v.forward(
      v.check(
        ({ iss, keys }) => iss !== undefined || keys.kind !== 'jwks-url',
        'a text: an issuer with a JWKS URL needs one',
      ),
      ['iss'],
    ),
  );
}
