import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Identity } from '../core/permissions.ts';
import type { Observer, ObserverStore } from '../core/store-ports/observers.ts';
import { isTenantName, vouchedTenantId } from '../core/tenant-id.ts';
import { type AuthError, authError } from './errors.ts';

/**
 * How the password of an observer begins, which a client gives in place of a token. No JWT does:
 * its first part is the base64url of a JSON object.
 */
export const observerPasswordPrefix = 'wisp-operator.';
const passwordForm = /^wisp-operator\.(\d\d)\.[A-Za-z0-9_-]{43}$/;
const secretBytes = 32;

/** The store as the verification of passwords sees it. */
export type ObserverLookup = Pick<ObserverStore, 'find'>;

/** A new password of 256 random bits for an observer in this slot, 0 to 99. */
export function newObserverPassword(slot: number): string {
  return `${observerPasswordPrefix}${String(slot).padStart(2, '0')}.${randomBytes(secretBytes).toString('base64url')}`;
}

export function observerPasswordHash(password: string): string {
  return createHash('sha256').update(password).digest('base64url');
}

/**
 * Verifies the password of an observer with one read of one unit, whatever a stranger sends. A
 * stranger is not told whether there is such a tenant, slot or observer.
 *
 * @param tenant as the client names it: the user name of CONNECT
 * @returns the identity: it may subscribe to the observer's filters at QoS 0 as its client id, with
 *   a session that ends with the connection, and publish nothing.
 */
export async function verifyObserver(
  password: string,
  tenant: string | undefined,
  observers: ObserverLookup,
  nowMs: number,
): Promise<Identity | AuthError> {
  const slot = passwordForm.exec(password)?.[1];
  if (slot === undefined) return authError('token-malformed');
  if (tenant === undefined || tenant === '') return authError('tenant-missing');
  const observer = isTenantName(tenant) ? await observers.find(tenant, Number(slot)) : undefined;
  if (observer === undefined || !isPasswordOf(observer, password)) return authError('observer-not-verified');
  if (observer.expiresAtMs <= nowMs) return authError('token-expired');
  return identityOf(tenant, observer);
}

function isPasswordOf({ passwordHash }: Observer, password: string): boolean {
  const expected = Buffer.from(passwordHash);
  const given = Buffer.from(observerPasswordHash(password));
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function identityOf(tenant: string, { clientId, filters, createdAtMs, expiresAtMs }: Observer): Identity {
  return {
    tenant: vouchedTenantId(tenant),
    clientId,
    issuedAtSeconds: Math.floor(createdAtMs / 1_000),
    expiresAtSeconds: Math.floor(expiresAtMs / 1_000),
    isObserver: true,
    quotas: { sessionExpirySeconds: 0, subscriptionsPerClient: filters.length },
    grants: filters.map((filter) => ({
      effect: 'allow',
      action: 'subscribe',
      filter,
      exact: true,
      unshared: true,
      qos: [0],
    })),
  };
}
