import { quotaNames, type TenantQuotas, tenantQuotasSchema } from '../core/quotas.ts';
import { validate } from '../core/validation.ts';
import { exitCodes, UserError } from '../local/operator/user-error.ts';

/** `NAME=NUMBER` sets a quota, `NAME=none` removes it (undefined). */
export function parseQuotaChange(change: string): [name: string, bound: number | undefined] {
  const [, name = '', bound = ''] = /^(\w+)=(\d{1,15}|none)$/.exec(change) ?? [];
  if (!quotaNames.some((known) => known === name))
    throw wrongUsage(`"${change}" is not NAME=NUMBER or NAME=none with one of: ${quotaNames.join(', ')}`);
  return [name, bound === 'none' ? undefined : Number(bound)];
}

/** Quotas of a list of `NAME=NUMBER`, within their bounds. Undefined if there are none. */
export function parseQuotas(given: readonly string[]): TenantQuotas | undefined {
  const quotas = Object.fromEntries(given.map(parseQuotaChange).filter(([, bound]) => bound !== undefined));
  const checked = validate(tenantQuotasSchema, quotas);
  if ('flaw' in checked) throw wrongUsage(checked.flaw);
  return given.length === 0 ? undefined : checked.value;
}

function wrongUsage(message: string): UserError {
  return new UserError('usage', message, { exitCode: exitCodes.usage });
}
