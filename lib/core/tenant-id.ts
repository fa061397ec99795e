declare const verified: unique symbol;

/**
 * The name of a tenant, vouched for by a verified token, an operator, or a row that was written
 * after one of these. Every storage key starts with one: code without a tenant id cannot form a
 * key, and code with one cannot reach another tenant's rows.
 *
 * Shape: 1 to 63 characters of `a-z`, `0-9` and `-`, with a letter or digit at both ends. It is a
 * DNS label, so it fits into host names, and it contains no separator of keys.
 */
export type TenantId = string & { readonly [verified]: true };

const tenantNamePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `name` has the shape of a tenant name; the tenant need not exist. */
export function isTenantName(name: string): boolean {
  return tenantNamePattern.test(name);
}

/**
 * Converts a name that has been vouched for. Call it only in token verification, in operators'
 * tools, and where a store reads a row that was written after one of these.
 *
 * @throws RangeError if the name does not have the shape of a tenant name.
 */
export function vouchedTenantId(name: string): TenantId {
  if (!isTenantName(name)) {
    throw new RangeError(
      'a tenant name has 1 to 63 characters of a-z, 0-9 and "-", and no "-" at either end',
    );
  }
  return name as TenantId;
}
