import type { TenantAdmin, TenantConfig } from './tenant-config.ts';

/**
 * Replaces a tenant's configuration by what `change` makes of it. Where somebody else changes it at the same time, `change`
 * is called again with what they wrote; it refuses by throwing, and what it throws is passed on.
 * @returns the new configuration; undefined where there is no such tenant.
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
