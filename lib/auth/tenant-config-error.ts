/**
 * A configuration that Wisp does not store or use. The message names the member, never its value.
 */
export class TenantConfigError extends Error {
  readonly code = 'tenant-config';
  override readonly name = 'TenantConfigError';
}
