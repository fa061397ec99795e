import type { RevocationTarget } from '../core/model.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, onlyKnown } from '../http/read.ts';
import { revoke } from '../sessions/revocation.ts';
import { type AdminOperation, tenantOf } from './request.ts';
import { time } from './tenant-config.ts';

/** Bound of what tokens name themselves by (lib/auth/claims.ts); longer texts name no token. */
const maxTextCharacters = 1_024;
/** A hundred years: beyond it DynamoDB's TTL and dates mean nothing. */
const maxKeepSeconds = 100 * 366 * 86_400;

/** Revokes tokens issued up to now; live connections end within seconds. The same request again does no harm. */
export const revokeTokens: AdminOperation = async (call) => {
  const tenant = tenantOf(call);
  const { keepSeconds, ...named } = jsonBody(call.request);
  onlyKnown(named, ['tokenId', 'subject', 'clientId', 'all']);
  const target = targetOf(named);
  const keep = keepSecondsOf(keepSeconds);
  const atMs = await revoke(call.context, tenant, target, keep === undefined ? {} : { keepSeconds: keep });
  if (atMs === undefined) throw new Problem('tenant-unknown');
  return { status: 202, body: { revokedAt: time(atMs) } };
};

function targetOf(named: Readonly<Record<string, unknown>>): RevocationTarget {
  const { tokenId, subject, clientId, all } = named;
  if (Object.keys(named).length === 1) {
    if (isName(tokenId)) return { kind: 'token', tokenId };
    if (isName(subject)) return { kind: 'subject', subject };
    if (isName(clientId)) return { kind: 'client', clientId };
    if (all === true) return { kind: 'tenant' };
  }
  throw new Problem('body', {
    detail: 'exactly one of "tokenId", "subject", "clientId" (texts) or "all": true',
  });
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxTextCharacters;
}

function keepSecondsOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > maxKeepSeconds)
    throw new Problem('body', { detail: `"keepSeconds" is a whole number from 1 to ${maxKeepSeconds}` });
  return value;
}
