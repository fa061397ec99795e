import { computed, signal } from '@preact/signals';
import { admin } from './api/call.ts';
import type { TenantSummary } from './api/types.ts';
import { route } from './route.ts';

const storageKey = 'wisp-tenant';
const last = signal(sessionStorage.getItem(storageKey) ?? undefined);

/** The tenant of the address, else the one that was last looked at. */
export const currentTenant = computed(() => route.value.tenant ?? last.value);

/** Keeps a tenant for pages that are opened next. */
export function keepTenant(name: string | undefined): void {
  last.value = name;
  if (name === undefined) sessionStorage.removeItem(storageKey);
  else sessionStorage.setItem(storageKey, name);
}

/** More tenants are found on their page. */
const maxChoices = 100;

/** Names of the first tenants, to choose from; undefined until they are read. */
export const tenantNames = signal<readonly string[] | undefined>(undefined);

/** Reads the tenants again, after one was created or deleted. */
export async function refreshTenants(): Promise<void> {
  const { tenants } = await admin<{ tenants: TenantSummary[] }>('GET', '/tenants', {
    query: { limit: maxChoices },
  });
  tenantNames.value = tenants.map(({ name }) => name);
  const [first] = tenants;
  if (currentTenant.value === undefined && first !== undefined) keepTenant(first.name);
}
