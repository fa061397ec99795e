import {
  createKeySources,
  type IssuerConfig,
  type KeySourcesOptions,
  verifyToken,
} from '../../lib/auth/index.ts';
import { KeyFetchError, type KeyFetchErrorCode } from '../../lib/auth/key-fetch-error.ts';
import { lookup, nowSeconds, type Signer, tenant } from './tokens.ts';

/** An identity provider: serves whatever JWK set it is given, counts, and fails on demand. */
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

/** As a provider publishes them, with the members that Wisp has no use for. */
export function publicKeys({ alg, keys }: Signer): object[] {
  return keys.kind === 'inline' ? keys.keys.map((key) => ({ ...key, alg, use: 'sig', x5t: 'AAAA' })) : [];
}

/** Verification for one tenant `acme`, with a clock that stands still until it is moved. */
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
    /** Tokens are judged at the moment of {@link nowSeconds}, so that only keys grow old. */
    verify: (token: string, tenantHint = 'acme') =>
      verifyToken({ token, tenantHint, lookup: store, sources, nowSeconds }),
  };
}

/** The code of a refusal, or `accepted`. */
export async function outcome(attempt: Promise<object>): Promise<string> {
  const result = await attempt;
  return 'code' in result ? String(result.code) : 'accepted';
}
