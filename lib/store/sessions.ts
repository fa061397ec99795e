import { randomUUID } from 'node:crypto';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ClientKey, Route } from '../core/model.ts';
import type { SessionStore } from '../core/store-ports/sessions.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { N, S, string, ttl, unlessUnreadable } from './attributes.ts';
import { updateOf } from './fields.ts';
import { kinds, sessionKey, sessionQuery, sessionRowKey } from './keys.ts';
import {
  claimFields,
  endedSession,
  inFlightOf,
  routeOf,
  sessionFrom,
  sessionItem,
  sessionTtlSeconds,
  takeoverOf,
} from './session-item.ts';
import { Table } from './table.ts';

/**
 * Maximum age of a cached route in milliseconds. Only QoS 0 uses cached routes. A post to a closed
 * connection fails at once (410) and the route is read again. So the age bounds one case only: a
 * client that has moved to a new connection while its old one still seems open.
 */
const maxAgeMs = 5_000;
const maxRoutes = 20_000;

/** Routes of online sessions that this process has read. When full, the oldest entry is dropped. */
class RouteCache {
  readonly #routes = new Map<string, { route: Route; storedAtMs: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  take(tenant: TenantId, clientIds: readonly string[]): Map<string, Route> {
    const found = new Map<string, Route>();
    const oldestMs = this.#nowMs() - maxAgeMs;
    for (const clientId of clientIds) {
      const entry = this.#routes.get(sessionKey({ tenant, clientId }));
      if (entry !== undefined && entry.storedAtMs > oldestMs) found.set(clientId, entry.route);
    }
    return found;
  }

  set(tenant: TenantId, clientId: string, route: Route): void {
    const key = sessionKey({ tenant, clientId });
    this.#routes.delete(key);
    this.#routes.set(key, { route, storedAtMs: this.#nowMs() });
    if (this.#routes.size > maxRoutes) {
      const oldest = this.#routes.keys().next();
      if (!oldest.done) this.#routes.delete(oldest.value);
    }
  }

  delete(key: ClientKey): void {
    this.#routes.delete(sessionKey(key));
  }
}

/** Table Sessions, rows `session`, and the cache of routes that are read from them. */
export function createSessionStore(
  client: DynamoDBClient,
  tableName: string,
  nowMs: () => number,
): SessionStore {
  const table = new Table(client, tableName);
  const routes = new RouteCache(nowMs);

  return {
    async get(key) {
      const found = await table.get(sessionRowKey(key, kinds.session), true);
      return found === undefined ? undefined : sessionFrom(found);
    },

    async routes(tenant, clientIds, seen) {
      const found = routes.take(tenant, clientIds);
      for (const [clientId, { traceUntilMs }] of found)
        if (traceUntilMs !== undefined) seen?.({ tenant, clientId, traceUntilMs });
      const missing = clientIds.filter((clientId) => !found.has(clientId));
      if (missing.length === 0) return found;
      const rows = await table.getMany(
        missing.map((clientId) => sessionRowKey({ tenant, clientId }, kinds.session)),
      );
      for (const row of rows) {
        const session = unlessUnreadable(() => sessionFrom(row));
        if (session !== undefined) seen?.(session);
        const route = session === undefined ? undefined : routeOf(session);
        if (session === undefined || route === undefined) continue;
        routes.set(tenant, session.clientId, route);
        found.set(session.clientId, route);
      }
      return found;
    },

    forgetRoute(key) {
      routes.delete(key);
    },

    async setTrace(key, untilMs) {
      routes.delete(key);
      const row = sessionRowKey(key, kinds.session);
      for (;;) {
        const updated = await table.update(
          row,
          {
            update: untilMs === undefined ? 'REMOVE traceUntil' : 'SET traceUntil = :until',
            condition: 'attribute_exists(kind)',
            ...(untilMs === undefined ? {} : { values: { ':until': N(untilMs) } }),
          },
          'ALL_NEW',
        );
        if (updated !== undefined) return sessionFrom(updated);
        if (untilMs === undefined) return undefined;
        const stub = endedSession(key, randomUUID(), untilMs);
        const isNew = await table.putIf(
          { ...sessionItem(stub), ttl: ttl(untilMs, 86_400) },
          { condition: 'attribute_not_exists(kind)' },
        );
        if (isNew) return stub;
      }
    },

    async replace(session, previous) {
      routes.delete(session);
      if (previous === undefined)
        return table.putIf(sessionItem(session), { condition: 'attribute_not_exists(kind)' });
      const { update, names, values } = takeoverOf(session, previous);
      const { address } = previous;
      const updated = await table.update(sessionRowKey(session, kinds.session), {
        update,
        condition: `#generation = :held AND ${
          address === undefined ? 'attribute_not_exists(#address)' : '#address = :holder'
        }`,
        names,
        values: {
          ...values,
          ':held': S(previous.generation),
          ...(address === undefined ? {} : { ':holder': S(address) }),
        },
      });
      return updated !== undefined;
    },

    async allocate(key, generation, count) {
      const updated = await table.update(
        sessionRowKey(key, kinds.session),
        {
          update: 'ADD seq :count',
          condition: 'generation = :generation',
          values: { ':count': N(count), ':generation': S(generation) },
        },
        'ALL_NEW',
      );
      return updated === undefined ? undefined : sessionFrom(updated);
    },

    async setRecount(key, generation, recountAtSequence) {
      await table.update(sessionRowKey(key, kinds.session), {
        update: 'SET recount = :recount',
        condition: 'generation = :generation',
        values: { ':recount': N(recountAtSequence), ':generation': S(generation) },
      });
    },

    async setRetainedBehind(key, generation, behind, previous) {
      const updated = await table.update(sessionRowKey(key, kinds.session), {
        update: behind === undefined ? 'REMOVE retainedBehind' : 'SET retainedBehind = :behind',
        condition: `generation = :generation${previous === undefined ? '' : ' AND retainedBehind = :previous'}`,
        values: {
          ':generation': S(generation),
          ...(behind === undefined ? {} : { ':behind': N(behind) }),
          ...(previous === undefined ? {} : { ':previous': N(previous) }),
        },
      });
      return updated !== undefined;
    },

    async claim(session, claim) {
      if (session.address === undefined) return undefined;
      const { update, names, values } = updateOf(claimFields, {
        ...claim,
        ...inFlightOf({ address: session.address, inFlight: claim.inFlight }),
        claimVersion: session.claimVersion + 1,
      });
      const updated = await table.update(
        sessionRowKey(session, kinds.session),
        {
          update,
          condition: `#claims = :old AND address = :address${claim.onlyAtSequence ? ' AND seq = :seq' : ''}`,
          names,
          values: {
            ...values,
            ':old': N(session.claimVersion),
            ':address': S(session.address),
            ...(claim.onlyAtSequence ? { ':seq': N(session.sequence) } : {}),
          },
        },
        'ALL_NEW',
      );
      return updated === undefined ? undefined : sessionFrom(updated);
    },

    async hadNothingWaiting(key) {
      const found = await table.get(sessionRowKey(key, kinds.session), false);
      if (found === undefined) return false;
      const { mode, retainedBehind } = sessionFrom(found);
      return mode === 'direct' && retainedBehind === undefined;
    },

    async isAlone(key) {
      const { items } = await table.page({ ...sessionQuery(key), Limit: 2 });
      return items.every((row) => string(row, 'kind') === kinds.session);
    },

    async markOffline(key, address, change) {
      routes.delete(key);
      const ttlSeconds = sessionTtlSeconds(change.expirySeconds, change.expiresAtMs);
      // Distinguishes this call's own write, which the SDK repeats when the answer is lost, from
      // another call for the same connection.
      const leftIn = S(randomUUID());
      const updated = await table.update(
        sessionRowKey(key, kinds.session),
        {
          update:
            'SET expires = :expires, expiry = :expiry, #mode = :queued, leftBy = :address, leftIn = :leftIn' +
            `${ttlSeconds === undefined ? '' : ', #ttl = :ttl'}${change.swept ? ', swept = :swept' : ''} REMOVE address${ttlSeconds === undefined ? ', #ttl' : ''}`,
          condition: 'address = :address OR leftIn = :leftIn',
          names: { '#mode': 'mode', '#ttl': 'ttl' },
          values: {
            ':expires': N(change.expiresAtMs),
            ':expiry': N(change.expirySeconds),
            ':queued': S('queued'),
            ':address': S(address),
            ':leftIn': leftIn,
            ...(ttlSeconds === undefined ? {} : { ':ttl': N(ttlSeconds) }),
            ...(change.swept ? { ':swept': { BOOL: true } } : {}),
          },
        },
        'ALL_NEW',
      );
      if (updated !== undefined) return { session: sessionFrom(updated), first: true };
      const found = await table.get(sessionRowKey(key, kinds.session), true);
      if (found === undefined || found.address !== undefined || found.leftBy?.S !== address) return undefined;
      return { session: sessionFrom(found), first: false };
    },

    async markSwept(key, generation) {
      routes.delete(key);
      await table.update(sessionRowKey(key, kinds.session), {
        update: 'SET swept = :true',
        condition: 'generation = :generation AND attribute_not_exists(address)',
        values: { ':generation': S(generation), ':true': { BOOL: true } },
      });
    },
  };
}
