import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RuleSecret, type RuleSecrets, ruleSecretsOf, ruleSecretText } from '../core/rule-secrets.ts';
import type { TenantId } from '../core/tenant-id.ts';

/**
 * Secrets of rules on the operator's own machine: a file for each rule that only its owner can
 * read. Without a directory they are in memory, as the tables are.
 */
export function createLocalRuleSecrets(directory?: string): RuleSecrets {
  const stored = directory === undefined ? inMemory() : inFiles(join(directory, 'rule-secrets'));
  return {
    ...stored,
    read: async (tenant, rule) => (await stored.load(tenant, rule)).map(({ value }) => value),
  };
}

function inFiles(directory: string): Omit<RuleSecrets, 'read'> {
  return {
    async load(tenant, rule) {
      try {
        return ruleSecretsOf(await readFile(join(directory, fileOf(tenant, rule)), 'utf8'));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
    async write(tenant, rule, secrets) {
      const path = join(directory, fileOf(tenant, rule));
      const temporary = `${path}.${process.pid}`;
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await writeFile(temporary, ruleSecretText(secrets), { mode: 0o600 });
      await rename(temporary, path);
    },
    delete: (tenant, rule) => rm(join(directory, fileOf(tenant, rule)), { force: true }),
  };
}

/** Neither name has a `.` or a separator of paths. @throws RangeError for a name that has. */
function fileOf(tenant: TenantId, rule: string): string {
  if (!/^[a-z0-9-]+$/.test(rule)) throw new RangeError('a rule has a name of a-z, 0-9 and "-"');
  return `${tenant}.${rule}.json`;
}

function inMemory(): Omit<RuleSecrets, 'read'> {
  const secretsOf = new Map<string, readonly RuleSecret[]>();
  return {
    load: async (tenant, rule) => secretsOf.get(fileOf(tenant, rule)) ?? [],
    write: async (tenant, rule, secrets) => {
      secretsOf.set(fileOf(tenant, rule), secrets.slice(0, 2));
    },
    delete: async (tenant, rule) => {
      secretsOf.delete(fileOf(tenant, rule));
    },
  };
}
