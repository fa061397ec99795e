import {
  type RuleSecret,
  type RuleSecrets,
  ruleSecretName,
  ruleSecretsOf,
  ruleSecretText,
} from '../core/rule-secrets.ts';
import type { RuleSecretsClient } from './rule-secrets-client.ts';
import type { AwsClientOptions } from './settings.ts';

/**
 * How long a secret that was read is used, in ms: a call of Secrets Manager for each record would
 * cost more than the record.
 */
const maxAgeMs = 60_000;
/** Secrets in the memory of one function. */
const maxCached = 1_000;

/**
 * Secrets of rules in AWS Secrets Manager, one for each rule: `wisp/rules/TENANT/RULE`. A process
 * sees what it has written itself at once.
 */
export function createRuleSecrets(nowMs: () => number, options: AwsClientOptions = {}): RuleSecrets {
  const cache = new Map<string, { readonly atMs: number; readonly secrets: Promise<readonly string[]> }>();
  let loading: Promise<RuleSecretsClient> | undefined;
  const client = (): Promise<RuleSecretsClient> => {
    loading ??= import('./rule-secrets-client.ts').then((module) => module.createRuleSecretsClient(options));
    return loading;
  };
  const load = async (name: string): Promise<readonly RuleSecret[]> => {
    const text = await (await client()).read(name);
    return text === undefined ? [] : ruleSecretsOf(text);
  };

  return {
    read(tenant, rule) {
      const name = ruleSecretName(tenant, rule);
      const known = cache.get(name);
      if (known !== undefined && nowMs() - known.atMs < maxAgeMs) return known.secrets;
      const [oldest] = cache.keys();
      if (cache.size >= maxCached && oldest !== undefined) cache.delete(oldest);
      const secrets = load(name).then((stored) => stored.map(({ value }) => value));
      cache.set(name, { atMs: nowMs(), secrets });
      secrets.catch(() => cache.delete(name));
      return secrets;
    },
    load: (tenant, rule) => load(ruleSecretName(tenant, rule)),
    async write(tenant, rule, secrets) {
      const name = ruleSecretName(tenant, rule);
      await (await client()).write(name, ruleSecretText(secrets));
      cache.delete(name);
    },
    async delete(tenant, rule) {
      const name = ruleSecretName(tenant, rule);
      await (await client()).delete(name);
      cache.delete(name);
    },
  };
}
