import type { ConnectionAddress, FanoutSlice, LifecycleEvent } from './model.ts';
import type { Identity } from './permissions.ts';
import type { ReasonName, Refusal, TokenReasonName } from './reasons.ts';
import type { RuleDrainQueue, RuleQueue } from './rules.ts';
import type { BanStore } from './store-ports/bans.ts';
import type { ChunkStore } from './store-ports/chunks.ts';
import type { ConnectionStore } from './store-ports/connections.ts';
import type { EdgeStore } from './store-ports/edges.ts';
import type { MessageStore } from './store-ports/messages.ts';
import type { ObserverStore } from './store-ports/observers.ts';
import type { PendingIdentityStore } from './store-ports/pending-identities.ts';
import type { QueueStore } from './store-ports/queue.ts';
import type { ReceivedMarkStore } from './store-ports/received-marks.ts';
import type { RetainedStore } from './store-ports/retained.ts';
import type { RevocationStore } from './store-ports/revocations.ts';
import type { RuleRecordStore } from './store-ports/rule-records.ts';
import type { RuleStore } from './store-ports/rules.ts';
import type { SessionSubscriptionStore } from './store-ports/session-subscriptions.ts';
import type { SessionStore } from './store-ports/sessions.ts';
import type { ShareChoiceStore } from './store-ports/share-choices.ts';
import type { SubscriptionStore } from './store-ports/subscriptions.ts';
import type { LiveTenantStore } from './store-ports/tenants.ts';
import type { TopicAliasStore } from './store-ports/topic-aliases.ts';
import type { WillStore } from './store-ports/wills.ts';
import type { TenantData } from './tenant-data.ts';
import type { Timers } from './timers.ts';
import type { UsageMeter } from './usage.ts';

/**
 * The broker's dependencies. Each port is implemented once over AWS (lib/store, lib/aws) and used
 * in AWS, on emulators and in the local runtime; tests inject clocks, ids and faults.
 *
 * Every write is one conditional single-item write, or idempotent. No port uses transactions,
 * streams or scans.
 */
export interface Ports {
  readonly clock: Clock;
  readonly ids: Ids;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly connections: ConnectionStore;
  readonly pendingIdentities: PendingIdentityStore;
  readonly chunks: ChunkStore;
  readonly topicAliases: TopicAliasStore;
  readonly edges: EdgeStore;
  readonly sessions: SessionStore;
  readonly sessionSubscriptions: SessionSubscriptionStore;
  readonly wills: WillStore;
  readonly receivedMarks: ReceivedMarkStore;
  readonly shareChoices: ShareChoiceStore;
  readonly queue: QueueStore;
  readonly subscriptions: SubscriptionStore;
  readonly rules: RuleStore;
  readonly messages: MessageStore;
  readonly retained: RetainedStore;
  readonly tenants: LiveTenantStore;
  readonly tenantData: TenantData;
  readonly revocations: RevocationStore;
  readonly bans: BanStore;
  readonly observers: ObserverStore;
  readonly authenticator: Authenticator;
  readonly gateway: Gateway;
  readonly timers: Timers;
  readonly fanout: FanoutQueue;
  /** Absent in a deployment without rules. */
  readonly ruleQueue?: RuleQueue;
  /** Absent where {@link Ports.ruleQueue} is. */
  readonly ruleDrains?: RuleDrainQueue;
  readonly ruleRecords: RuleRecordStore;
  readonly usage: UsageMeter;
  /** Only in a process that handles frames of many clients at the same time. Default: none. */
  readonly gatherer?: Gatherer;
  readonly events: LifecycleEvents;
  readonly log: Log;
}

export interface Clock {
  /** Milliseconds since 1970. */
  nowMs(): number;
}

export interface Ids {
  /** A new unique id of at most 26 characters `0-9A-Z`; ids sort by creation time. */
  unique(): string;
}

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Adds `value`, by default 1, to a counter of lib/core/metrics.ts. */
  count(metric: string, value?: number): void;
  /** Adds `value`, by default 1, to the refusals with this code. */
  countRefusal(code: ReasonName, value?: number): void;
}
/** Never a token, secret, payload or user property. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Authenticator {
  /**
   * Verifies a token. `tenantHint` (the CONNECT user name) only selects the keys; the tenant
   * follows from the verified token.
   */
  verify(token: string, tenantHint: string | undefined): Promise<Identity | Refusal<TokenReasonName>>;
}

/** Hands slices of fan-outs to workers. */
export interface FanoutQueue {
  /**
   * Resolves when all slices are durable. Slices of one topic and range are served one after
   * another, in the order of sending. The queue drops a fan-out that is sent again within 5
   * minutes.
   */
  send(slices: readonly FanoutSlice[]): Promise<void>;
}

/** Lets calls that come at the same moment be made as one. */
export interface Gatherer {
  /**
   * Makes a call together with those of the same `owner` object and kind that come before it
   * begins. Calls never wait for a batch that has begun.
   *
   * @param together makes several calls, and returns a result for each.
   */
  gather<Call, Result>(
    owner: object,
    kind: string,
    call: Call,
    together: (calls: readonly Call[]) => readonly Promise<Result>[],
  ): Promise<Result>;
}

/** The callback side of API Gateway. */
export interface Gateway {
  /**
   * Sends one text message to a connection. Retries throttling and server errors itself.
   * @returns `gone` if the connection no longer exists, `failed` if it could not be reached in
   *   time.
   */
  post(address: ConnectionAddress, text: string): Promise<'sent' | 'gone' | 'failed'>;
  /**
   * Closes a connection. Idempotent.
   * @returns false if it is known that there was none.
   */
  close(address: ConnectionAddress): Promise<boolean>;
  /**
   * Tells the process that holds a connection that its row has changed, where one keeps the row in
   * memory. It may not come through: rows are read again after a while anyway.
   */
  reread?(address: ConnectionAddress): Promise<void>;
  /** When the client last sent a message, in ms since 1970; undefined: the connection is gone. */
  lastActiveAtMs(address: ConnectionAddress): Promise<number | undefined>;
}

/** Receives lifecycle events of connections outside MQTT. */
export interface LifecycleEvents {
  /** Resolves when the event has been handed over. Callers treat a failure as a lost event. */
  put(event: LifecycleEvent): Promise<void>;
}
