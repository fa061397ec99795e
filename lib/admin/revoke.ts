import * as v from 'valibot';
import type { RevocationTarget } from '../core/model.ts';
import { boundedText, closedObject, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { revoke } from '../sessions/revocation.ts';
import { type AdminOperation, tenantOf } from './request.ts';
import { isoTime } from './tenant-config.ts';

/** Bound of these claims in tokens (lib/auth/claims.ts): a longer text names no token. */
const name = boundedText(1_024);
/** A hundred years: later times are beyond DynamoDB's TTL and JavaScript's dates. */
const maxKeepSeconds = 100 * 366 * 86_400;

const targets = ['tokenId', 'subject', 'clientId', 'all'] as const;

/** Whose tokens are revoked: exactly one of `tokenId`, `subject`, `clientId` and `all`. */
export const revocationSchema = v.pipe(
  closedObject({
    tokenId: v.exactOptional(v.pipe(name, v.description('Claim `jti`.'))),
    subject: v.exactOptional(v.pipe(name, v.description('Claim `sub`.'))),
    clientId: v.exactOptional(v.pipe(name, v.description('Client identifier, whatever the token.'))),
    all: v.exactOptional(v.pipe(v.literal(true, 'true'), v.description('All tokens of the tenant.'))),
    keepSeconds: v.exactOptional(
      v.pipe(
        wholeNumber(1, maxKeepSeconds),
        v.description(
          'How long issued tokens may live; the revocation is forgotten after that. Default: never.',
        ),
      ),
    ),
  }),
  v.check(
    (body) => targets.filter((target) => body[target] !== undefined).length === 1,
    'exactly one of "tokenId", "subject", "clientId" and "all"',
  ),
  v.description('Whose tokens: exactly one of `tokenId`, `subject`, `clientId` and `all`.'),
);

/** Revokes the tokens issued up to now; live connections end within seconds. Idempotent. */
export const revokeTokens: AdminOperation = async (call) => {
  const tenant = tenantOf(call);
  const { keepSeconds, ...named } = jsonBody(call.request, revocationSchema);
  const options = keepSeconds === undefined ? {} : { keepSeconds };
  const atMs = await revoke(call.context, tenant, targetOf(named), options);
  if (atMs === undefined) throw new Problem('tenant-unknown');
  return { status: 202, body: { revokedAt: isoTime(atMs) } };
};

function targetOf(named: Omit<v.InferOutput<typeof revocationSchema>, 'keepSeconds'>): RevocationTarget {
  const { tokenId, subject, clientId } = named;
  if (tokenId !== undefined) return { kind: 'token', tokenId };
  if (subject !== undefined) return { kind: 'subject', subject };
  return clientId === undefined ? { kind: 'tenant' } : { kind: 'client', clientId };
}
