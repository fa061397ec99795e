import {
  createKeySources,
  type IssuerConfig,
  type KeySourcesOptions,
  verifyToken,
} from '../../lib/auth/index.ts';
import { KeyFetchError, type KeyFetchErrorCode } from '../../lib/auth/key-fetch-error.ts';
import { lookup, nowSeconds, type Signer, tenant } from './tokens.ts';

/** An identity provider for tests: serves a JWK set, counts requests, and fails on demand. */
export class Provider {
  body = '';
  failure: KeyFetchErrorCode | undefined;
  readonly requests: string[] = [];

  publish(...signers: readonly Signer[]): void {
    this.body = JSON.stringify({ keys: signers.flatMap(publicKeys) });
  }

  readonly fetchText = async (url: string): Promise<string> => {
    this.requests.push(url);
    if (this.failure !== undefined) throw new KeyFetchError(this.failure);
    return this.body;
  };
}

/** Keys as a provider publishes them, with members that Wisp does not use. */
export function publicKeys({ alg, keys }: Signer): object[] {
  return keys.kind === 'inline' ? keys.keys.map((key) => ({ ...key, alg, use: 'sig', x5t: 'AAAA' })) : [];
}

/** Verification for one tenant `acme`, with a clock that only the test advances. */
export function verifierOf(
  issuers: readonly IssuerConfig[],
  options: Partial<KeySourcesOptions> & { readonly fetchText: KeySourcesOptions['fetchText'] },
) {
  const clock = { nowMs: nowSeconds * 1_000 };
  const failures: object[] = [];
  const sources = createKeySources({
    nowMs: () => clock.nowMs,
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  const store = lookup({ acme: tenant(issuers) });
  return {
    failures,
    advance: (seconds: number) => {
      clock.nowMs += seconds * 1_000;
    },
    /** Tokens are checked at {@link nowSeconds}, so that only keys age. */
    verify: (token: string, tenantHint = 'acme') =>
      verifyToken({ token, tenantHint, lookup: store, sources, nowSeconds }),
  };
}

/** The code of a refusal, or `accepted`. */
export async function outcome(attempt: Promise<object>): Promise<string> {
  const result = await attempt;
  return 'code' in result ? String(result.code) : 'accepted';
}
