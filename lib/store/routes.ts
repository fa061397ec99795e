import type { ClientKey, Route } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { sessionKey } from './keys.ts';

/**
 * Maximum age of a cached route in milliseconds. Only QoS 0 uses cached routes. A post to a closed
 * connection fails at once (410) and the route is read again. So the age bounds one case only: a
 * client that has moved to a new connection while its old one still seems open.
 */
const maxAgeMs = 5_000;
const maxRoutes = 20_000;

/** Routes of online sessions that this process has read. When full, the oldest entry is dropped. */
export class RouteCache {
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
