import { type IssuerConfig, maxIssuers, newIssuerSchema, type TenantConfig } from '../auth/index.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { type AdminOperation, tenantOf } from './request.ts';
import { changeConfig, issuerId, issuerJson, notDeleting } from './tenant-config.ts';

export const listIssuers: AdminOperation = async (call) => {
  const config = await call.context.tenantAdmin.show(tenantOf(call));
  if (config === undefined) throw new Problem('tenant-unknown');
  return { status: 200, body: { issuers: config.issuers.map(issuerJson) } };
};

/** Adds an issuer. Idempotent: an issuer that is there already stays as it is. */
export const addIssuer: AdminOperation = async (call) => {
  const issuer = jsonBody(call.request, newIssuerSchema, 'tenant-config');
  const id = issuerId(issuer);
  let existed = false;
  await changeConfig(call, (config) => {
    existed = config.issuers.some((other) => issuerId(other) === id);
    return existed ? config : withIssuer(notDeleting(config), issuer);
  });
  return { status: existed ? 200 : 201, body: issuerJson(issuer) };
};

function withIssuer(config: TenantConfig, issuer: IssuerConfig): TenantConfig {
  if (config.issuers.length >= maxIssuers)
    throw new Problem('tenant-config', { detail: `a tenant has at most ${maxIssuers} issuers` });
  return { ...config, issuers: [...config.issuers, issuer] };
}

/** Refuses its tokens from now on; connections that use one end when the token expires. */
export const removeIssuer: AdminOperation = async (call) => {
  await changeConfig(call, (config) => {
    const left = config.issuers.filter((issuer) => issuerId(issuer) !== call.path.issuer);
    if (left.length === config.issuers.length) throw new Problem('issuer-unknown');
    return { ...notDeleting(config), issuers: left };
  });
  return { status: 204 };
};
