import {
  ensureSecretFile,
  nextSecretPath,
  promoteSecretFile,
  readSecretFile,
  ruleSecretPath,
} from '../../local/operator/rule-secret-file.ts';
import { exitCodes, UserError } from '../../local/operator/user-error.ts';
import type { TargetFlags } from './target-flags.ts';

export interface RuleSecret {
  readonly value: string;
  /** The file that was created for it. */
  readonly path?: string;
}

type AddFlags = Pick<TargetFlags, 'webhook' | 'kafkaUser'> & {
  readonly secretFile?: string;
  readonly replace?: true;
};

/**
 * The secret that `wisp rule add` stores: from the file, or a new one for a new webhook. Undefined
 * for a rule without a secret, and for a changed one, which keeps its own.
 *
 * @throws UserError `usage`, `file-unreadable`
 */
export async function secretOfNewRule(
  { webhook, kafkaUser, secretFile, replace }: AddFlags,
  keyDirectory: string,
  tenant: string,
  rule: string,
): Promise<RuleSecret | undefined> {
  const needsSecret = webhook !== undefined || kafkaUser !== undefined;
  if (secretFile !== undefined && !needsSecret)
    throw usage('--secret-file belongs to --webhook and to --kafka-user');
  if (secretFile !== undefined) return { value: await readSecretFile(secretFile) };
  if (!needsSecret || replace === true) return undefined;
  if (webhook === undefined) throw usage('--kafka-user needs --secret-file with its password');
  const path = ruleSecretPath(keyDirectory, tenant, rule);
  return { value: await ensureSecretFile(path), path };
}

/** The secret that `wisp rule secret` stores, and what to do when it is stored. */
export async function secretForRotation(
  secretFile: string | undefined,
  keyDirectory: string,
  tenant: string,
  rule: string,
): Promise<RuleSecret & { stored(): Promise<void> }> {
  if (secretFile !== undefined) return { value: await readSecretFile(secretFile), stored: async () => {} };
  const path = ruleSecretPath(keyDirectory, tenant, rule);
  const value = await ensureSecretFile(nextSecretPath(path));
  return { value, path, stored: () => promoteSecretFile(path) };
}

function usage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
