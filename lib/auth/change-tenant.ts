import type { TenantAdmin, TenantConfig } from './tenant-config.ts';

/**
 * Replaces a tenant's configuration by the result of `change`. After a concurrent change `change`
 * is called again with the new configuration. Errors of `change` are thrown on.
 * @returns the new configuration; undefined if there is no such tenant.
 */
export async function changeTenant(
  admin: Pick<TenantAdmin, 'read' | 'update'>,
  name: string,
  change: (config: TenantConfig) => TenantConfig,
): Promise<TenantConfig | undefined> {
  for (;;) {
    const found = await admin.read(name);
    if (found === undefined) return undefined;
    const config = change(found.config);
    if (await admin.update(name, found.revision, config)) return config;
  }
}
