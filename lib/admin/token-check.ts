import * as v from 'valibot';
import {
  type AuthErrorCode,
  type Identity,
  refusalFacts,
  resolvePermissions,
  stepByCode,
} from '../auth/index.ts';
import { standingOf } from '../broker/connect/token.ts';
import { reasons } from '../core/reasons.ts';
import { boundedText, closedObject } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { type AdminOperation, tenantOf } from './request.ts';
import { isoTime } from './tenant-config.ts';

/** A longer token is answered as `token-too-large`, unparsed, as everywhere. */
export const tokenCheckSchema = closedObject({
  token: v.pipe(v.string(), v.description('JWT in compact form, without `Bearer `.')),
  clientId: v.exactOptional(
    v.pipe(
      boundedText(1_024),
      v.description('The client that uses the token, for revocations by client identifier.'),
    ),
  ),
});

/**
 * What the service would do with a token of the tenant now, by the steps of a CONNECT: refuse it at
 * one of them, or grant these permissions. The token comes in the body and is not logged.
 */
export const checkToken: AdminOperation = async (call) => {
  const { context, request } = call;
  const tenant = tenantOf(call);
  const { token, clientId } = jsonBody(request, tokenCheckSchema);
  const config = await context.tenantAdmin.show(tenant);
  if (config === undefined) throw new Problem('tenant-unknown');

  const identity = await context.authenticator.verify(token, tenant);
  if ('code' in identity) {
    const code = identity.code as AuthErrorCode;
    // To a client the message of some codes says less than the code.
    const told = code === 'claims-malformed' ? identity.message : reasons[code].message;
    return refused(code, told, refusalFacts({ token, code, tenant, config }));
  }
  const standing = await standingOf(context, identity, identity.clientId ?? clientId);
  if ('refusal' in standing) {
    const code = standing.refusal.code as keyof typeof stepByCode;
    return refused(code, reasons[code].message);
  }
  const { grants } = identity;
  return {
    status: 200,
    body: {
      valid: true,
      ...claimsOf(identity),
      permissions: standing.permissions,
      withoutEffect: grants.filter(
        (grant) => resolvePermissions({ ...identity, grants: [grant] }).length === 0,
      ),
      ...(identity.quotas === undefined ? {} : { quotas: identity.quotas }),
      ...(identity.ownRules === true ? { ownRules: true } : {}),
    },
  };
};

function refused(code: keyof typeof stepByCode, message: string, facts?: string) {
  return {
    status: 200,
    body: {
      valid: false,
      step: stepByCode[code],
      code,
      message,
      ...(facts === undefined ? {} : { facts }),
      remedy: reasons[code].remedy,
    },
  } as const;
}

function claimsOf({ clientId, subject, username, tokenId, issuedAtSeconds, expiresAtSeconds }: Identity) {
  return {
    ...(clientId === undefined ? {} : { clientId }),
    ...(subject === undefined ? {} : { subject }),
    ...(username === undefined ? {} : { username }),
    ...(tokenId === undefined ? {} : { tokenId }),
    // Unlike "exp", "iat" has no bound.
    ...(issuedAtSeconds === undefined || issuedAtSeconds > lastDateSeconds
      ? {}
      : { issuedAt: isoTime(issuedAtSeconds * 1_000) }),
    ...(expiresAtSeconds === undefined ? {} : { expiresAt: isoTime(expiresAtSeconds * 1_000) }),
  };
}

/** The latest time of JavaScript's dates. */
const lastDateSeconds = 8_640_000_000_000;
