import type { IssuerConfig, TenantConfig } from '../auth/index.ts';

/** A tenant's configuration for display, without shared secrets. */
export function withoutSecrets(config: TenantConfig): object {
  return { ...config, issuers: config.issuers.map(issuerWithoutSecret) };
}

export function issuerWithoutSecret(issuer: IssuerConfig): object {
  return issuer.keys.kind === 'secret' ? { ...issuer, keys: { kind: 'secret' } } : issuer;
}
