import { createHash } from 'node:crypto';
import { changeTenant, type IssuerConfig, type TenantConfig } from '../auth/index.ts';
import type { HttpResponse } from '../http/message.ts';
import { Problem } from '../http/problem.ts';
import { type AdminCall, tenantOf } from './request.ts';

/** Changes the configuration of the tenant that the path names, and shows it. */
export async function changeConfig(
  call: AdminCall,
  change: (config: TenantConfig) => TenantConfig,
): Promise<HttpResponse> {
  const tenant = tenantOf(call);
  const config = await changeTenant(call.context.tenantAdmin, tenant, change);
  if (config === undefined) throw new Problem('tenant-unknown');
  return { status: 200, body: tenantJson(tenant, config) };
}

/** @throws Problem `tenant-deleting` */
export function notDeleting(config: TenantConfig): TenantConfig {
  if (config.status === 'deleting') throw new Problem('tenant-deleting');
  return config;
}

/** A tenant as operators see it. */
export function tenantJson(name: string, { status, createdAtMs, issuers, quotas }: TenantConfig): object {
  return {
    name,
    status,
    createdAt: isoTime(createdAtMs),
    issuers: issuers.map(issuerJson),
    quotas: quotas ?? {},
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** An issuer as operators see it: with the id by which it is removed, without secrets. */
export function issuerJson(issuer: IssuerConfig): object {
  const { keys } = issuer;
  return { id: issuerId(issuer), ...issuer, keys: keys.kind === 'secret' ? { kind: keys.kind } : keys };
}

/**
 * Id of an issuer: the first 64 bits of a hash of its configuration. It does not reveal a secret.
 */
export function issuerId(issuer: IssuerConfig): string {
  return createHash('sha256').update(JSON.stringify(issuer)).digest('hex').slice(0, 16);
}
