import type { ClientKey, ConnectionAddress, Qos, RevocationTarget } from './model.ts';
import type { GoingMark } from './store-ports/tenants.ts';
import type { TenantId } from './tenant-id.ts';
import type { UsageGauges } from './usage.ts';

/**
 * Longest delay of one message of the timer queue, in milliseconds: the 900 s of Amazon SQS. A
 * timer that is due later arrives after this time, and its handler decides whether to send it on.
 */
export const timerReachMs = 900_000;

/** Addresses in one `connections` timer: one BatchGetItem reads all their rows. */
export const maxTimerAddresses = 100;

/** The retained messages of one new subscription that have not been sent yet. */
export interface RetainedScan {
  readonly filter: string;
  readonly qos: Qos;
  readonly subscriptionIdentifier?: number;
  /** When the SUBSCRIBE came, in ms since 1970; one that asks again supersedes this scan. */
  readonly sinceMs?: number;
  /** First topic of the next page (UTF-8 byte order); absent: the beginning. */
  readonly from?: string;
}

/** A timer, with everything its handler needs to check whether its subject still exists. */
export type Timer =
  | { readonly kind: 'authentication-deadline'; readonly address: ConnectionAddress }
  | {
      /** Looks at connections: keep-alive, expiry of the token, end. One chain per connection. */
      readonly kind: 'connections';
      readonly tenant: TenantId;
      /** At most {@link maxTimerAddresses}. */
      readonly addresses: readonly ConnectionAddress[];
      /** Drains that were due until then have been made, in ms since 1970. */
      readonly drainedAtMs: number;
    }
  /** Written by releases before `connections`; read until none are in flight. */
  | { readonly kind: 'keep-alive'; readonly address: ConnectionAddress }
  /** Ends a connection whose token expires sooner than its next look. */
  | { readonly kind: 'token-expiry'; readonly address: ConnectionAddress }
  | ({ readonly kind: 'will'; readonly address: ConnectionAddress } & ClientKey)
  | ({ readonly kind: 'session-expiry'; readonly generation: string } & ClientKey)
  | ({
      /** Retained messages at QoS 0 that one run has left for the next. Due at once. */
      readonly kind: 'retained';
      readonly address: ConnectionAddress;
      readonly generation: string;
      readonly scans: readonly RetainedScan[];
    } & ClientKey)
  /** Continues the retained messages that wait for room in the session's queue. Due at once. */
  | ({ readonly kind: 'retained-waiting'; readonly generation: string } & ClientKey)
  | {
      readonly kind: 'tenant-sweep';
      readonly tenant: TenantId;
      readonly goal: 'disconnect' | 'erase';
      /** Whether this is the second walk, which misses nothing. */
      readonly settled: boolean;
      /** Client id behind which the walk continues. */
      readonly after?: string;
    }
  | {
      readonly kind: 'revocation';
      readonly tenant: TenantId;
      readonly target: RevocationTarget;
      readonly atMs: number;
      /** Client id behind which the walk continues. */
      readonly after?: string;
    }
  | {
      readonly kind: 'recount';
      readonly tenant: TenantId;
      /** When the recount started, in ms since 1970; identifies it. */
      readonly atMs: number;
      readonly phase: 'retained' | 'connections';
      /** Counted so far. */
      readonly counted: UsageGauges;
      /** Topic or client id behind which the recount continues. */
      readonly after?: string;
    }
  | {
      /** Walks the clients of a tenant for shapes without a subscription (lib/limits/shapes.ts). */
      readonly kind: 'shapes';
      readonly tenant: TenantId;
      /** `find`: makes unused shapes go; `confirm`: decides about those that go. */
      readonly phase: 'find' | 'confirm';
      /** Shapes that the walk has not seen in use; absent: it has not begun. */
      readonly unseen?: readonly string[];
      /** Shapes of filters that begin with `$`, where `dollarApart` is false. */
      readonly dollar: readonly string[];
      /** What `confirm` takes away at its end. */
      readonly marks: readonly GoingMark[];
      /** `TenantLive.dollarApart` when the search began; absent: it has not begun. */
      readonly dollarApart?: boolean;
      /** Client id behind which the walk continues. */
      readonly after?: string;
    }
  /** Drains a session's queue after the lease of a sender (lib/delivery/sender-watch.ts). */
  | ({ readonly kind: 'sender'; readonly address: ConnectionAddress } & ClientKey)
  /**
   * Ends the connection of a client that was banned while it connected, and the one that it had
   * then.
   */
  | ({ readonly kind: 'ban'; readonly address?: ConnectionAddress } & ClientKey)
  /** Erases more records of a deleted rule that wait or have failed. Due at once. */
  | { readonly kind: 'rule-records'; readonly tenant: TenantId; readonly rule: string }
  | {
      /** Looks whether an edge process lives (lib/broker/edge-death.ts). */
      readonly kind: 'edge-lease';
      readonly edge: string;
      /** `EdgeLease.renewedAtMs` when the timer was scheduled; 0: the first look. */
      readonly renewedAtMs: number;
      /** Whether another look follows where the edge lives. */
      readonly isRepeated: boolean;
    }
  /** Ends the connections in one block of channels of a dead edge. Due at once. */
  | { readonly kind: 'edge-sweep'; readonly edge: string; readonly block: number };

/** A timer and when it is due, in ms since 1970. */
export interface ScheduledTimer {
  readonly timer: Timer;
  readonly dueAtMs: number;
}

export interface Timers {
  /**
   * Schedules `timer` for `dueAtMs`, in ms since 1970. It arrives at least once, never early except
   * that one due later than {@link timerReachMs} arrives after that time, and in rare cases not at
   * all.
   */
  schedule(timer: Timer, dueAtMs: number): Promise<void>;
  /**
   * Schedules many timers in few requests. Where it fails, some may have been scheduled; callers
   * repeat all of them, so a timer may arrive twice.
   */
  scheduleAll(timers: readonly ScheduledTimer[]): Promise<void>;
}
