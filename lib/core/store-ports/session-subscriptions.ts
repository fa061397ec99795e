import type { ClientKey, Qos } from '../model.ts';

/** One subscription in the list of a session. */
export interface ListedSubscription {
  /** With its `$share/…` prefix, if it has one. */
  readonly filter: string;
  readonly generation: string;
  /**
   * Highest QoS of the subscription; absent: 2. Permissions are checked with it when they change.
   */
  readonly qos?: Qos;
}

/**
 * The list of a session's subscriptions, kept beside the session row so that they can be checked
 * and deleted with it. `SubscriptionStore` holds the subscriptions that publishes are matched with.
 */
export interface SessionSubscriptionStore {
  /** Subscriptions of all generations, strongly consistent. */
  list(key: ClientKey): Promise<ListedSubscription[]>;
  put(key: ClientKey, filter: string, generation: string, qos?: Qos): Promise<void>;
  /** Stores entries of different filters, in any order. A failure may leave some of them stored. */
  putMany(key: ClientKey, entries: readonly ListedSubscription[]): Promise<void>;
  /** Those of `filters` that the list holds, with any generation, strongly consistent. */
  find(key: ClientKey, filters: readonly string[]): Promise<ListedSubscription[]>;
  /** Number of filters in the list, strongly consistent, counted up to `limit`. */
  count(key: ClientKey, limit: number): Promise<number>;
  /** Deletes a filter from the list if it belongs to that generation. Idempotent. */
  delete(key: ClientKey, filter: string, generation: string): Promise<void>;
}
