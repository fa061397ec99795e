import type { TenantId } from './tenant-id.ts';

/**
 * The secrets of rules: the key that signs webhooks, or the password for Kafka. They are in no row,
 * log or answer.
 */
export interface RuleSecrets {
  /**
   * The current secret first, then the previous one while receivers change over; empty: the rule
   * has none. May be up to 60 s old.
   */
  read(tenant: TenantId, rule: string): Promise<readonly string[]>;
  /** Replaces what there is. @param secrets at most 2, the current one first. */
  write(tenant: TenantId, rule: string, secrets: readonly string[]): Promise<void>;
  /** Idempotent. */
  delete(tenant: TenantId, rule: string): Promise<void>;
}

/** Name of the secret in AWS Secrets Manager. */
export function ruleSecretName(tenant: TenantId, rule: string): string {
  return `wisp/rules/${tenant}/${rule}`;
}

/** How secrets are stored: a JSON list, the current one first. */
export function ruleSecretText(secrets: readonly string[]): string {
  return JSON.stringify(secrets.slice(0, 2));
}

/** Empty if the text is not a list of {@link ruleSecretText}. */
export function ruleSecretsOf(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((secret) => typeof secret === 'string') ? value : [];
  } catch {
    return [];
  }
}
