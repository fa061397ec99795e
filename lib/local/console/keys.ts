import { readdir } from 'node:fs/promises';
import * as v from 'valibot';
import type { TenantAdmin, TenantConfig } from '../../auth/index.ts';
import { tenantQuotasSchema } from '../../core/quotas.ts';
import { boundedText, closedObject, list, wholeNumber } from '../../core/validation.ts';
import type { HttpRequest, HttpResponse } from '../../http/message.ts';
import { jsonBody } from '../../http/read.ts';
import { createTenantWithKey } from '../operator/create-tenant-with-key.ts';
import { keyPath, readSigningKey } from '../operator/key-file.ts';
import { mintToken } from '../operator/mint-token.ts';
import { UserError } from '../operator/user-error.ts';
import { type AdminApi, callAdmin } from './admin-proxy.ts';

/** Longest life of a token that the page asks for: 30 days, as that of the demo tenant. */
const maxTokenSeconds = 30 * 86_400;
const defaultTokenSeconds = 3_600;
/** More would not fit into a token (lib/auth/token.ts). */
const maxFilters = 64;

const tenantName = boundedText(63);
const filters = v.exactOptional(list(boundedText(1_024), 0, maxFilters));

const tokenSchema = closedObject({
  tenant: tenantName,
  clientId: v.exactOptional(boundedText(1_024)),
  publish: filters,
  subscribe: filters,
  rules: v.exactOptional(v.literal(true, 'true')),
  seconds: v.exactOptional(wholeNumber(1, maxTokenSeconds), defaultTokenSeconds),
});

const newTenantSchema = closedObject({ name: tenantName, quotas: v.exactOptional(tenantQuotasSchema) });

/** Names of the tenants whose private key is in the directory. */
export async function tenantsWithKey(keyDirectory: string): Promise<string[]> {
  const names = await readdir(keyDirectory).catch(() => []);
  return names.flatMap((name) => /^([a-z0-9-]{1,63})\.jwk$/.exec(name)?.[1] ?? []).sort();
}

/** Signs a token with the tenant's private key of this machine. @throws UserError `key-missing` */
export async function mintForPage(
  request: HttpRequest,
  keyDirectory: string,
  nowMs: number,
): Promise<HttpResponse> {
  const { tenant, seconds, ...claims } = jsonBody(request, tokenSchema);
  const isKnown = (await tenantsWithKey(keyDirectory)).includes(tenant);
  const key = isKnown ? await readSigningKey(keyPath(keyDirectory, tenant)) : undefined;
  if (key === undefined)
    throw new UserError('key-missing', `the private key of ${tenant} is not on this machine`);
  const nowSeconds = Math.floor(nowMs / 1_000);
  const token = await mintToken({ tenant, key, ...claims, ttlSeconds: seconds, nowSeconds });
  const expiresAt = new Date((nowSeconds + seconds) * 1_000).toISOString();
  return { status: 201, body: { token, expiresAt } };
}

/** Creates a tenant and its key pair, as `wisp tenant create` does. */
export async function createForPage(
  request: HttpRequest,
  api: AdminApi,
  options: { readonly keyDirectory: string; readonly reuseKey: boolean; readonly nowMs: number },
): Promise<HttpResponse> {
  const given = jsonBody(request, newTenantSchema);
  const {
    config,
    keyPath: path,
    keyReused,
  } = await createTenantWithKey({
    admin: tenantAdminOver(api),
    ...given,
    ...options,
  });
  return {
    status: 201,
    body: { name: given.name, issuers: config.issuers.length, keyPath: path, keyReused },
  };
}

function tenantAdminOver(api: AdminApi): Pick<TenantAdmin, 'create' | 'show'> {
  return {
    async show(name) {
      const { status, body } = await callAdmin(api, 'GET', `/tenants/${name}`);
      return status === 200 ? (body as TenantConfig) : undefined;
    },
    async create(name, { issuers, quotas }) {
      const config = { issuers, ...(quotas === undefined ? {} : { quotas }) };
      const { status, body } = await callAdmin(api, 'PUT', `/tenants/${name}`, JSON.stringify(config));
      if (status === 201) return true;
      const { detail } = body as { readonly detail?: string };
      if (status === 200 || status === 409) return false;
      throw new UserError('admin-api', detail ?? `the admin API answers ${status}`);
    },
  };
}
