import type { GetToken } from '../../client/connect-node.ts';
import type { SigningKey } from '../../local/operator/key-file.ts';
import { mintToken } from '../../local/operator/mint-token.ts';
import { UserError } from '../../local/operator/user-error.ts';

/** Lifetime of a token that `wisp sub` signs for itself; a new one replaces it in time. */
const tokenSeconds = 900;

/** Tokens that allow subscribing to these filters and nothing else. */
export function mintedTokens(tenant: string, key: SigningKey, filters: readonly string[]): GetToken {
  return () =>
    mintToken({
      tenant,
      key,
      subscribe: filters,
      ttlSeconds: tokenSeconds,
      nowSeconds: Math.floor(Date.now() / 1_000),
    });
}

/** The token of `--token`, as long as the service accepts it. */
export function fixedToken(token: string): GetToken {
  return (reason) => {
    if (reason !== 'refused') return token;
    throw new UserError(
      'sub-refused',
      'the token has expired, or the service does not accept it any more; give a new one with --token',
    );
  };
}
