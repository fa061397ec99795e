import * as v from 'valibot';
import { newObserverPassword, observerPasswordHash } from '../auth/index.ts';
import { refusal } from '../core/reasons.ts';
import { defaultSettings } from '../core/settings.ts';
import type { Observer } from '../core/store-ports/observers.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { closedObject, list, wholeNumber } from '../core/validation.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { disconnectClient } from '../sessions/disconnect-client.ts';
import { isTopicError, parseFilter } from '../topics/index.ts';
import { type AdminOperation, activeTenant, existingTenant } from './request.ts';
import { isoTime } from './tenant-config.ts';

const { maxObserverFilters, maxObserverSeconds } = defaultSettings;
const filterForm = 'a topic filter, without "$share/name/"';
const defaultSeconds = 600;

/** What an observer may subscribe to, and for how long. */
export const observerSchema = closedObject({
  filters: v.pipe(
    list(
      v.pipe(
        v.string(filterForm),
        v.check((filter) => isPlainFilter(filter), filterForm),
      ),
      1,
      maxObserverFilters,
    ),
    v.description('It may subscribe to exactly these.'),
  ),
  seconds: v.exactOptional(
    v.pipe(wholeNumber(1, maxObserverSeconds), v.description('How long it lives. Default: 600.')),
    defaultSeconds,
  ),
});

/**
 * Makes a temporary session for an operator who looks at messages: a client that may subscribe to
 * exactly these filters at QoS 0, and do nothing else. The password is told once. A crash after the
 * write leaves an observer that nobody knows, which takes a slot until it expires.
 */
export const createObserver: AdminOperation = async (call) => {
  const { context, request } = call;
  const { filters, seconds } = jsonBody(request, observerSchema);
  const { tenant } = await activeTenant(call);
  if (!filters.every((filter) => isOfTenant(filter, tenant)))
    throw new Problem('body', { detail: `filters: expected no "$" but in $SYS/tenants/${tenant}/` });
  const { maxObservers } = context.settings;
  const taken = new Set((await context.observers.list(tenant, maxObservers)).map(({ slot }) => slot));
  const createdAtMs = context.clock.nowMs();
  const clientId = `wisp-operator-${context.ids.unique()}`;
  for (let slot = 0; slot < maxObservers; slot += 1) {
    if (taken.has(slot)) continue;
    const password = newObserverPassword(slot);
    const observer: Observer = {
      slot,
      clientId,
      filters: [...new Set(filters)],
      passwordHash: observerPasswordHash(password),
      createdAtMs,
      expiresAtMs: createdAtMs + seconds * 1_000,
    };
    // Another request may have taken the slot since.
    if (!(await context.observers.add(tenant, observer))) continue;
    context.log.info('observer created', { tenant, clientId });
    return { status: 201, body: { ...observerJson(observer), username: tenant, password } };
  }
  throw new Problem('observers-too-many', { detail: `${maxObservers}` });
};

/** The observers that have not expired, without their passwords. */
export const listObservers: AdminOperation = async (call) => {
  const tenant = await existingTenant(call);
  const { observers, settings } = call.context;
  const found = await observers.list(tenant, settings.maxObservers);
  return { status: 200, body: { observers: found.map(observerJson) } };
};

/**
 * Ends an observer and its connection. The password goes first: a crash then, or a CONNECT that has
 * just been verified, leaves a connection until the observer would have expired.
 */
export const endObserver: AdminOperation = async (call) => {
  const { context, path } = call;
  const tenant = await existingTenant(call);
  const found = await context.observers.list(tenant, context.settings.maxObservers);
  const observer = found.find(({ clientId }) => clientId === path.observer);
  if (observer === undefined) throw new Problem('observer-unknown');
  await context.observers.end(tenant, observer);
  await disconnectClient(context, { tenant, clientId: observer.clientId }, refusal('client-disconnected'));
  return { status: 204 };
};

function isPlainFilter(filter: string): boolean {
  const parsed = parseFilter(filter);
  return !isTopicError(parsed) && parsed.shareName === undefined;
}

/** Topics of the service about this tenant are the only ones that may begin with `$`. */
function isOfTenant(filter: string, tenant: TenantId): boolean {
  return !filter.startsWith('$') || filter.startsWith(`$SYS/tenants/${tenant}/`);
}

function observerJson({ clientId, filters, createdAtMs, expiresAtMs }: Observer): object {
  return { clientId, filters, createdAt: isoTime(createdAtMs), expiresAt: isoTime(expiresAtMs) };
}
