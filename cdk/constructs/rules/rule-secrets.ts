import type { Grantee } from '../grantee.ts';
import { grantSecretsByPrefix } from '../secrets-by-prefix.ts';

/** Prefix of the names that lib/core/rule-secrets.ts makes. */
const prefix = 'wisp/rules/';

const actions = {
  read: ['GetSecretValue'],
  write: ['GetSecretValue', 'CreateSecret', 'PutSecretValue', 'DeleteSecret'],
} as const;

/** Allows `target` to read or write the secrets of rules. */
export function grantRuleSecrets(target: Grantee, access: keyof typeof actions): void {
  grantSecretsByPrefix(target, { prefix, actions: actions[access], whose: 'rules' });
}
