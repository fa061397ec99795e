import { useEffect, useId } from 'preact/hooks';
import { go, linkTo, route } from './route.ts';
import { currentTenant, keepTenant, refreshTenants, tenantNames } from './tenant.ts';

/**
 * Chooses the tenant of the pages below it.
 *
 * @param isFollowed whether the page of now is about a tenant, and so follows the choice
 */
export function TenantChooser({ isFollowed }: { readonly isFollowed: boolean }) {
  const id = useId();
  useEffect(() => {
    refreshTenants().catch(() => {
      tenantNames.value = [];
    });
  }, []);
  const current = currentTenant.value ?? '';
  const known = tenantNames.value ?? [];
  const choices = current === '' || known.includes(current) ? known : [current, ...known];
  const choose = (tenant: string) => {
    keepTenant(tenant);
    if (isFollowed) go(linkTo(route.value.page, tenant));
  };
  return (
    <div class="chooser">
      <label for={id}>Tenant</label>
      <select
        id={id}
        class="input"
        value={current}
        disabled={choices.length === 0}
        onChange={({ currentTarget }) => choose(currentTarget.value)}
      >
        {choices.length === 0 && <option value="">none yet</option>}
        {choices.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
