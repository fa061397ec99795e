import { claimAt } from './claim-path.ts';
import type { ClaimValue, IssuerClaims } from './issuer-config.ts';

/**
 * The first required claim that a token lacks or has with another value; undefined if it has all.
 */
export function missingClaim(
  { requiredClaims = {} }: IssuerClaims,
  payload: { readonly [claim: string]: unknown },
): string | undefined {
  return Object.entries(requiredClaims).find(([path, wanted]) => {
    const accepted: readonly unknown[] = [wanted].flat() satisfies ClaimValue[];
    const values: unknown[] = [claimAt(payload, path)].flat();
    return !values.some((value) => accepted.includes(value));
  })?.[0];
}
