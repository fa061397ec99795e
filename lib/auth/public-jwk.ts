/** A public key (RFC 7517, RFC 8037), reduced to the members that Wisp uses. */
export type PublicJwk = (
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string }
  | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string }
) & { readonly kid?: string };

/**
 * The JWS algorithms that a key may verify. The key decides, never the token's `alg`, so that a
 * public key cannot be used as a shared secret (RFC 8725 section 2.1). `Ed25519` is the name of
 * EdDSA with this curve in RFC 9864.
 */
export const algorithmsByKeyType = {
  EC: ['ES256'],
  RSA: ['RS256'],
  OKP: ['EdDSA', 'Ed25519'],
  secret: ['HS256'],
} as const;

/** Shorter RSA keys are refused (RFC 7518 section 3.3); longer ones cost time without need. */
const minRsaBits = 2_048;
const maxRsaBits = 8_192;
const maxKidCharacters = 256;
const p256CoordinateCharacters = 43;
const ed25519Characters = 43;

/**
 * Checks that `value` is a public key of a kind that Wisp verifies with; the flaw never repeats key
 * material.
 */
export function parsePublicJwk(value: unknown): { readonly jwk: PublicJwk } | { readonly flaw: string } {
  if (typeof value !== 'object' || value === null) return { flaw: 'a JWK object' };
  const jwk = value as Record<string, unknown>;
  if (['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].some((member) => member in jwk)) {
    return { flaw: 'a public key; this one has private members' };
  }
  if (jwk.use !== undefined && jwk.use !== 'sig') return { flaw: 'a key for signatures ("use": "sig")' };
  const { kid } = jwk;
  if (kid !== undefined && !(typeof kid === 'string' && kid.length > 0 && kid.length <= maxKidCharacters)) {
    return { flaw: `"kid" has 1 to ${maxKidCharacters} characters` };
  }
  const key = parseKeyMaterial(jwk);
  if (key === undefined) {
    return { flaw: `EC with P-256, RSA of ${minRsaBits} to ${maxRsaBits} bits, or OKP with Ed25519` };
  }
  const algorithms: readonly string[] = algorithmsByKeyType[key.kty];
  if (jwk.alg !== undefined && !algorithms.includes(String(jwk.alg))) {
    return { flaw: `"alg" of this key is ${algorithms.join(' or ')}` };
  }
  return { jwk: kid === undefined ? key : { ...key, kid } };
}

function parseKeyMaterial(jwk: Record<string, unknown>): PublicJwk | undefined {
  const { kty, crv, x, y, n, e } = jwk;
  if (kty === 'EC') {
    const valid = crv === 'P-256' && isBase64url(x, p256CoordinateCharacters);
    return valid && isBase64url(y, p256CoordinateCharacters) ? { kty, crv, x, y } : undefined;
  }
  if (kty === 'OKP') {
    return crv === 'Ed25519' && isBase64url(x, ed25519Characters) ? { kty, crv, x } : undefined;
  }
  if (kty === 'RSA' && isBase64url(n) && isBase64url(e) && e.length <= 8) {
    const bits = Math.floor((n.length * 3) / 4) * 8;
    return bits >= minRsaBits && bits <= maxRsaBits ? { kty, n, e } : undefined;
  }
  return undefined;
}

function isBase64url(value: unknown, characters?: number): value is string {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]+$/.test(value)) return false;
  return characters === undefined || value.length === characters;
}
