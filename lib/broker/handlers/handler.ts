import type { Context } from '../../core/context.ts';
import type { Connection, TenantLive } from '../../core/model.ts';
import type { MatchBudget } from '../../delivery/match-budget.ts';
import type { Outcome } from '../../sessions/outcome.ts';

/** An accepted connection, as the packets before in the frame left it, and its tenant's row. */
export interface Peer {
  readonly context: Context;
  readonly connection: Connection;
  readonly live: TenantLive;
  /** The Queries that the publishes of the frame may still take. */
  readonly budget: MatchBudget;
  /** Bytes of the frame that were counted against the rates as chunks. Default 0. */
  readonly countedBytes?: number;
}

/** Consecutive packets of one kind, handled together: a burst costs little more than one packet. */
export type Run<P> = readonly [P, ...P[]];

/** Handles a run of packets. Handlers write first; the caller sends the replies after. */
export type Handler<P> = (peer: Peer, run: Run<P>) => Outcome | Promise<Outcome>;

/**
 * Concurrent conditional writes of one handler, to different rows: the AWS SDK opens at most 50
 * connections.
 */
export const maxConcurrentWrites = 50;
