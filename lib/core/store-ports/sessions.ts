import type { ClientKey, ConnectionAddress, Route, Session, SessionMode } from '../model.ts';
import type { TenantId } from '../tenant-id.ts';
import type { TracedRow } from '../traces.ts';

/** Changes that a claim makes to the session row. */
export interface Claim {
  readonly inFlight: ReadonlySet<number>;
  readonly resent: ReadonlySet<number>;
  readonly opened: ReadonlySet<number>;
  readonly mode: SessionMode;
  /** Set when switching to `direct`: the claim fails if more has been queued since the read. */
  readonly onlyAtSequence: boolean;
  /** Id of the handler that claims. */
  readonly claimedBy: string;
  /** Takes the lease for sending until then (ms since 1970); absent: releases it. */
  readonly sendingUntilMs?: number;
}

/** Session rows, one per client, and the cached routes that are read from them. */
export interface SessionStore {
  /** Strongly consistent. Returns expired sessions too: the caller checks the expiry. */
  get(key: ClientKey): Promise<Session | undefined>;
  /**
   * Routes of online sessions for QoS 0, cached for up to 5 seconds (lib/store/sessions.ts). A
   * session whose row is unreadable has none.
   * @param seen gets each row that is read, and each route that is cached.
   */
  routes(
    tenant: TenantId,
    clientIds: readonly string[],
    seen?: (row: TracedRow) => void,
  ): Promise<Map<string, Route>>;
  /**
   * Traces a client until then (ms since 1970), or no longer. A client without a row gets the row
   * of a session that has ended, so that its first connection is traced too.
   * @returns the session, as {@link get} does; undefined where there is none and none is needed.
   */
  setTrace(key: ClientKey, untilMs: number | undefined): Promise<Session | undefined>;
  /** Removes a client's cached route, because its connection turned out to be gone. */
  forgetRoute(key: ClientKey): void;
  /**
   * Gives a session to another connection, if the stored row still has the generation and the
   * address of `previous`, or is absent when `previous` is undefined. Messages may be numbered and
   * claimed meanwhile, so a publisher that never pauses does not delay a takeover:
   *
   * - The sequence stays as stored. The sequence of the recount moves with it, or stays if it is
   *   that of `previous`. The claim version is counted up.
   * - If the generation stays, so do {@link Session.retainedBehind}, the batches opened and the
   *   entries in flight. The latter then read as {@link Session.resent}, because an earlier
   *   connection may have received them.
   *
   * @returns false if generation or address differ: read again.
   */
  replace(session: Session, previous: Session | undefined): Promise<boolean>;
  /**
   * Adds `count` to the sequence of a session of that generation. Not idempotent: after a crash the
   * numbers stay unused, which is harmless.
   * @returns the session after the change; undefined if it has ended or has another generation.
   */
  allocate(key: ClientKey, generation: string, count: number): Promise<Session | undefined>;
  /** Sets the sequence at which the queue is counted again. */
  setRecount(key: ClientKey, generation: string, recountAtSequence: number): Promise<void>;
  /**
   * Sets {@link Session.retainedBehind}, or removes it; with `previous`, only if it is that value.
   * @returns whether it did.
   */
  setRetainedBehind(
    key: ClientKey,
    generation: string,
    behind: number | undefined,
    previous?: number,
  ): Promise<boolean>;
  /**
   * Claims queue entries for the session's current connection, if no other handler has claimed
   * since `session` was read and the same connection still holds the session.
   * @returns the session after the change; undefined if the claim failed.
   */
  claim(session: Session, claim: Claim): Promise<Session | undefined>;
  /**
   * Whether the session was in mode `direct` a moment ago, without retained messages that wait for
   * room in its queue; eventually consistent.
   */
  hadNothingWaiting(key: ClientKey): Promise<boolean>;
  /** Whether the client has no row but that of its session, strongly consistent. */
  isAlone(key: ClientKey): Promise<boolean>;
  /**
   * Marks the session offline if `address` still holds it.
   * @param change.swept as {@link markSwept} in the same write.
   * @returns the session, with `first` true if this call made the change and false if an earlier
   *   call for `address` did; undefined if another connection holds the session.
   */
  markOffline(
    key: ClientKey,
    address: ConnectionAddress,
    change: { expirySeconds: number; expiresAtMs: number; swept?: true },
  ): Promise<{ readonly session: Session; readonly first: boolean } | undefined>;
  /**
   * Notes that everything an ended session of that generation left has been deleted, unless a
   * connection holds the session again. TTL deletes the row itself a day after the session's
   * expiry. Until then the next session continues its packet numbers, so that a late
   * acknowledgement of the old session cannot match a message of the new one.
   */
  markSwept(key: ClientKey, generation: string): Promise<void>;
}
