import { httpsGet, parseJwks, type TenantAdmin } from '../../auth/index.ts';
import { examine, type Finding } from './finding.ts';

/** Tenants whose issuers are looked at. Each costs one read of its row. */
const maxTenants = 1_000;

/** Names of tenants in one line. */
const shownTenants = 3;

/**
 * Fetches every JWK set that tenants name, with the same checks as the functions do: one line for
 * each URL. It is fetched from this machine, so a provider that refuses AWS's addresses is not
 * noticed.
 *
 * @param allowPrivate whether addresses of this machine's network will do: the local service.
 */
export async function* checkIssuers(admin: TenantAdmin, allowPrivate: boolean): AsyncGenerator<Finding> {
  const { tenantsByUrl, count } = await jwksUrls(admin);
  if (tenantsByUrl.size === 0)
    yield { check: 'keys of issuers', status: 'ok', detail: `none of ${count} tenants has them at a URL` };
  const fetchText = httpsGet({ allowPrivate });
  for (const [url, tenants] of tenantsByUrl)
    yield await examine(
      `keys at ${url} (${listed(tenants)})`,
      'Tokens of this issuer are refused: the URL must answer over https within 3 s, at a public address, without a redirect',
      async () => {
        const keys = parseJwks(await fetchText(url));
        return `${keys.length} usable ${keys.length === 1 ? 'key' : 'keys'}`;
      },
    );
}

async function jwksUrls(admin: TenantAdmin): Promise<{ tenantsByUrl: Map<string, string[]>; count: number }> {
  const tenantsByUrl = new Map<string, string[]>();
  let count = 0;
  let after: string | undefined;
  for (let more = true; more && count < maxTenants; ) {
    const page = await admin.list(after, 100);
    for (const { name } of page.tenants) {
      for (const { keys } of (await admin.show(name))?.issuers ?? [])
        if (keys.kind === 'jwks-url')
          tenantsByUrl.set(keys.url, [...(tenantsByUrl.get(keys.url) ?? []), name]);
      after = name;
    }
    count += page.tenants.length;
    more = page.more;
  }
  return { tenantsByUrl, count };
}

function listed(tenants: readonly string[]): string {
  const shown = tenants.slice(0, shownTenants).join(', ');
  return tenants.length > shownTenants ? `${shown} and ${tenants.length - shownTenants} more` : shown;
}
