import type { IssuerConfig } from '../auth/index.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { type AdminOperation, tenantOf } from './request.ts';
import { changed, configFrom, issuerId, issuerJson, notDeleting } from './tenant-config.ts';

export const listIssuers: AdminOperation = async (call) => {
  const config = await call.context.tenantAdmin.show(tenantOf(call));
  if (config === undefined) throw new Problem('tenant-unknown');
  return { status: 200, body: { issuers: config.issuers.map(issuerJson) } };
};

/** Adds an issuer; one that is there already stays as it is. */
export const addIssuer: AdminOperation = async (call) => {
  const body = jsonBody(call.request);
  let added: IssuerConfig | undefined;
  let existed = false;
  await changed(call, (config) => {
    const wanted = configFrom({ ...notDeleting(config), issuers: [...config.issuers, body] });
    added = wanted.issuers.at(-1);
    existed = config.issuers.some((issuer) => added !== undefined && issuerId(issuer) === issuerId(added));
    return existed ? config : wanted;
  });
  if (added === undefined) throw new Error('an issuer was added and is not there');
  return { status: existed ? 200 : 201, body: issuerJson(added) };
};

/** Its tokens are refused from now on; connections that it let in end when their token expires. */
export const removeIssuer: AdminOperation = async (call) => {
  await changed(call, (config) => {
    const left = config.issuers.filter((issuer) => issuerId(issuer) !== call.path.issuer);
    if (left.length === config.issuers.length) throw new Problem('issuer-unknown');
    return { ...notDeleting(config), issuers: left };
  });
  return { status: 204 };
};
