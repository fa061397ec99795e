declare const verified: unique symbol;

/**
 * The name of a tenant that a verified token, an operator, or a row written after one of these has vouched
 * for. Every storage key begins with one, so code that holds none cannot form a key, and code that holds one
 * cannot reach another tenant's rows.
 *
 * Shape: 1–63 characters of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit (a DNS label:
 * it may stand in host names, and none of its characters can serve as a separator in a key).
 */
export type TenantId = string & { readonly [verified]: true };

const tenantNamePattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether `name` has the shape of a tenant name. Says nothing about whether such a tenant exists. */
export function isTenantName(name: string): boolean {
  return tenantNamePattern.test(name);
}

/**
 * Makes a tenant id of a name that has been vouched for. Call it only from token verification, from the
 * operator's tools, and where a store reads back what one of these wrote.
 *
 * @throws RangeError when the name does not have the shape of one.
 */
export function vouchedTenantId(name: string): TenantId {
  if (!isTenantName(name)) {
    throw new RangeError(
      'a tenant name has 1 to 63 characters of a-z, 0-9 and "-", and no "-" at either end',
    );
  }
  return name as TenantId;
}
