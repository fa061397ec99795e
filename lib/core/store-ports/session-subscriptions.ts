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
  /**
   * When the SUBSCRIBE came that its retained messages answer, in ms since 1970; absent: it asked
   * for none.
   */
  readonly retainedSinceMs?: number;
  /** Topic from which its retained messages wait for room in the queue; absent: none wait. */
  readonly retainedFrom?: string;
  /** Known for a subscription whose retained messages wait. */
  readonly subscriptionIdentifier?: number;
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
  /**
   * Stores an entry, and keeps {@link ListedSubscription.retainedFrom} and
   * {@link ListedSubscription.retainedSinceMs} of one that it replaces in the same generation.
   */
  renew(key: ClientKey, entry: ListedSubscription): Promise<void>;
  /**
   * Sets from where the retained messages of a listed subscription wait, or that none do. Does
   * nothing if it has another generation or, with `previous`, waits from elsewhere.
   */
  setRetainedFrom(
    key: ClientKey,
    entry: Pick<ListedSubscription, 'filter' | 'generation' | 'retainedFrom' | 'subscriptionIdentifier'>,
    previous?: string,
  ): Promise<void>;
  /** Those of `filters` that the list holds, with any generation, strongly consistent. */
  find(key: ClientKey, filters: readonly string[]): Promise<ListedSubscription[]>;
  /** Number of filters in the list, strongly consistent, counted up to `limit`. */
  count(key: ClientKey, limit: number): Promise<number>;
  /** Deletes a filter from the list if it belongs to that generation. Idempotent. */
  delete(key: ClientKey, filter: string, generation: string): Promise<void>;
  /**
   * Counts shapes that a client is about to add to its tenant, by the hour.
   * @returns false, counting nothing, when they would be more than `bound` within the hour of
   *   `nowMs`.
   */
  takeNewShapes(key: ClientKey, count: number, bound: number, nowMs: number): Promise<boolean>;
}
