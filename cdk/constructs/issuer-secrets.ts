import type { Grantee } from './grantee.ts';
import { grantSecretsByPrefix } from './secrets-by-prefix.ts';

/** Prefix of the names of secrets in Secrets Manager that issuers may refer to. */
const prefix = 'wisp/';

/** Allows `target` to read the secrets of tenants' issuers (docs/tokens.md). */
export function grantReadIssuerSecrets(target: Grantee): void {
  grantSecretsByPrefix(target, { prefix, actions: ['GetSecretValue'], whose: 'tenants' });
}
