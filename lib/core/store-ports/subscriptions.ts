import type { Subscription } from '../model.ts';
import type { MatchedRule } from '../rules.ts';
import type { TenantId } from '../tenant-id.ts';

/** Subscriptions by filter: what a publish is matched with. */
export interface SubscriptionStore {
  /** @returns whether the same generation already had this subscription. */
  put(tenant: TenantId, subscription: Subscription): Promise<boolean>;
  /**
   * Stores subscriptions of one client to different filters, in any order. A failure may leave some
   * of them stored.
   */
  putMany(tenant: TenantId, subscriptions: readonly Subscription[]): Promise<void>;
  /** @returns whether a subscription of that generation existed. */
  delete(
    tenant: TenantId,
    subscription: Pick<Subscription, 'clientId' | 'filter' | 'shareName' | 'generation'>,
  ): Promise<boolean>;
  /**
   * Subscriptions with exactly this filter: clients in the order of their positions, then members
   * of shares; and the rules with this filter. Reads at most `limit` subscriptions with one Query,
   * or with several if a page of 1 MB ends earlier, or two rules or more precede them all.
   */
  audience(tenant: TenantId, filter: string, options: AudienceOptions): Promise<AudiencePage>;
  /**
   * Members of every share of a filter, or of one share. Of a share with more than `perShare`
   * members it reads that many from a random position of a ring, so that each member is equally
   * likely.
   */
  shareMembers(
    tenant: TenantId,
    filter: string,
    options: { readonly perShare: number; readonly consistent: boolean; readonly shareName?: string },
  ): Promise<Subscription[]>;
  /**
   * Subscriptions of clients (without shares) to a filter in a range of positions, in order, page
   * by page.
   */
  range(
    tenant: TenantId,
    filter: string,
    range: PositionRange,
    consistent: boolean,
  ): AsyncIterable<PlacedSubscription>;
  /**
   * Notes until when (ms since 1970) messages to `topic` go through the fan-out queue; see
   * {@link AudiencePage.queuedUntilMs}.
   */
  markQueued(tenant: TenantId, topic: string, untilMs: number): Promise<void>;
  /** What {@link markQueued} noted, strongly consistent. */
  queuedUntilMs(tenant: TenantId, topic: string): Promise<number | undefined>;
}

export interface AudienceOptions {
  readonly consistent: boolean;
  readonly limit: number;
}

export interface AudiencePage {
  readonly subscriptions: readonly Subscription[];
  /** In the order of their names. */
  readonly rules: readonly MatchedRule[];
  /** Whether there are more than `limit`. */
  readonly more: boolean;
  /**
   * About how many subscriptions there are, members of shares left out, by how far the positions of
   * those that were read reach. Present if there are more than were read.
   */
  readonly about?: number;
  /**
   * Present when messages to this topic have recently gone through the fan-out queue. Until then
   * (ms since 1970) all messages to it take the queue, so that none overtakes another.
   */
  readonly queuedUntilMs?: number;
}

/**
 * A range of positions of clients in an audience. A position is an opaque string, ordered by its
 * UTF-8 bytes and spread evenly by a hash of the client id. A client has the same position for
 * every filter.
 */
export interface PositionRange {
  readonly slice: number;
  readonly slices: number;
  /** Begins behind this position instead of at the slice's start. */
  readonly after?: string;
}

export interface PlacedSubscription {
  readonly position: string;
  readonly subscription: Subscription;
}
