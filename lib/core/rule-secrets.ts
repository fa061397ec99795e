import type { TenantId } from './tenant-id.ts';
import { isObject } from './validation.ts';

/** A key that signs webhooks, or a password for Kafka. */
export interface RuleSecret {
  readonly value: string;
  /** When it was set, in ms since 1970. */
  readonly sinceMs: number;
}

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
  /** The same as they are now, with their ages: for those who change them. */
  load(tenant: TenantId, rule: string): Promise<readonly RuleSecret[]>;
  /** Replaces what there is. @param secrets at most 2, the current one first. */
  write(tenant: TenantId, rule: string, secrets: readonly RuleSecret[]): Promise<void>;
  /** Idempotent. */
  delete(tenant: TenantId, rule: string): Promise<void>;
}

/** Name of the secret in AWS Secrets Manager. */
export function ruleSecretName(tenant: TenantId, rule: string): string {
  return `wisp/rules/${tenant}/${rule}`;
}

/** How secrets are stored: a JSON list, the current one first. */
export function ruleSecretText(secrets: readonly RuleSecret[]): string {
  return JSON.stringify(secrets.slice(0, 2));
}

/** Empty if the text is not a list of {@link ruleSecretText}. */
export function ruleSecretsOf(text: string): readonly RuleSecret[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every(isRuleSecret) ? value : [];
  } catch {
    return [];
  }
}

function isRuleSecret(stored: unknown): stored is RuleSecret {
  return isObject(stored) && typeof stored.value === 'string' && typeof stored.sinceMs === 'number';
}
