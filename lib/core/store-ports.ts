import type {
  ClientKey,
  Connection,
  ConnectionAddress,
  FanoutSlice,
  Message,
  Qos,
  QueueEntry,
  RateUse,
  RetainedMessage,
  RevocationTarget,
  Route,
  Session,
  SessionMode,
  Subscription,
  TenantLive,
  Will,
} from './model.ts';
import type { Identity } from './permissions.ts';
import type { TenantId } from './tenant-id.ts';

/** What is known of an address before anything else is. */
export interface PeerState {
  readonly connection?: Connection;
  /** Identity from a token in the handshake, waiting for CONNECT. */
  readonly pending?: Identity;
  /** Status and shapes of the connection's tenant; absent where the tenant is gone. */
  readonly live?: TenantLive;
}

/** What a connection has of its token. */
export type TokenState = Pick<
  Connection,
  | 'permissions'
  | 'tokenExpiresAtSeconds'
  | 'subject'
  | 'tokenId'
  | 'tokenIssuedAtSeconds'
  | 'quotas'
  | 'revocationsSeenMs'
>;

export interface ConnectionStore {
  /**
   * Connection row and tenant row in one round trip where the tenant of the address has been seen by this
   * process, in two otherwise. Eventually consistent first; an absent row is asked for once more consistently,
   * since CONNECT may have written it a moment ago.
   * @param consistentLive reads the tenant's row consistently: a shape that a SUBACK has told of must be in it.
   * @param consistentRow reads the connection's row consistently: where CONNECT has come, so that there should be none,
   *   and where what an earlier frame has changed in it (a topic alias, permissions) must not be missed.
   */
  readState(address: ConnectionAddress, consistentLive: boolean, consistentRow?: boolean): Promise<PeerState>;
  get(address: ConnectionAddress): Promise<Connection | undefined>;
  /** Keeps the identity of a handshake token until CONNECT. */
  putPending(address: ConnectionAddress, identity: Identity): Promise<void>;
  /** @returns false when the address has a connection already: a second CONNECT. */
  create(connection: Connection): Promise<boolean>;
  /** Adds topic aliases to a connection. */
  addTopicAliases(address: ConnectionAddress, aliases: Readonly<Record<number, string>>): Promise<void>;
  /** The rows of those addresses that have one, in no order, eventually consistent. */
  getMany(addresses: readonly ConnectionAddress[]): Promise<Connection[]>;
  /** Replaces what the token gives after re-authentication; what is absent goes. */
  renew(address: ConnectionAddress, token: TokenState): Promise<void>;
  /**
   * Notes what the connection has used of its rates, unless somebody else has since `known` was read.
   * @returns whether it was written.
   */
  setRateUse(address: ConnectionAddress, use: RateUse, known: RateUse | undefined): Promise<boolean>;
  /** Notes up to which revocation the connection's token has been checked. */
  setRevocationsSeen(address: ConnectionAddress, revocationsSeenMs: number): Promise<void>;
  delete(address: ConnectionAddress): Promise<void>;
  /** As {@link get}, and whether the identity of a handshake token still waits for CONNECT. */
  find(address: ConnectionAddress): Promise<{ readonly connection?: Connection; readonly pending: boolean }>;
  /** Deletes the identity of a handshake token whose CONNECT never came. */
  deletePending(address: ConnectionAddress): Promise<void>;
  /** Stores one chunk of a packet; overwriting it with the same content is harmless. */
  putChunk(address: ConnectionAddress, id: string, index: number, bytes: Uint8Array): Promise<void>;
  /** The chunks `0 … count - 1` in order, consistently; undefined when one is missing. */
  readChunks(address: ConnectionAddress, id: string, count: number): Promise<Uint8Array[] | undefined>;
}

export interface SessionStore {
  /** Strongly consistent. Expiry is the caller's to check. */
  get(key: ClientKey): Promise<Session | undefined>;
  /**
   * Routes of online sessions for QoS 0; up to 5 seconds old (see lib/store/routes.ts). A session
   * whose row is unreadable has none.
   */
  routes(tenant: TenantId, clientIds: readonly string[]): Promise<Map<string, Route>>;
  /** Forgets what is cached of a client's route: its address turned out to be gone. */
  forgetRoute(key: ClientKey): void;
  /**
   * Writes a session as a whole if it is still as `previous` says: the same generation and address, or absent.
   * @returns false when it is not: read again.
   */
  replace(session: Session, previous: Session | undefined): Promise<boolean>;
  /**
   * Adds `count` to the sequence of a session of that generation.
   * @returns the session after it; undefined when the session has ended or is another one.
   */
  allocate(key: ClientKey, generation: string, count: number): Promise<Session | undefined>;
  /** Sets where the queue has to be counted again. */
  setRecount(key: ClientKey, generation: string, recountAtSequence: number): Promise<void>;
  /**
   * Claims queue entries for the session's current connection, if nobody has claimed since `session` was read
   * and the same connection holds the session.
   * @param change.onlyAtSequence set when switching to `direct`: fails when more has been queued meanwhile.
   * @param change.sendingUntilMs keeps others from sending; absent: lets them.
   * @returns the session after it; undefined when the claim failed.
   */
  claim(
    session: Session,
    change: {
      readonly inFlight: ReadonlySet<number>;
      readonly resent: ReadonlySet<number>;
      readonly opened: ReadonlySet<number>;
      readonly mode: SessionMode;
      readonly onlyAtSequence: boolean;
      readonly claimedBy: string;
      readonly sendingUntilMs?: number;
    },
  ): Promise<Session | undefined>;
  /**
   * Marks the session offline if `address` still holds it. @returns the session and whether this call did it; the
   * session as it was left where an earlier call for `address` did it; undefined where another connection has taken it.
   */
  markOffline(
    key: ClientKey,
    address: ConnectionAddress,
    change: { expirySeconds: number; expiresAtMs: number },
  ): Promise<{ readonly session: Session; readonly first: boolean } | undefined>;
  /**
   * Notes that everything an ended session of that generation left has been deleted, unless a connection holds it again.
   * The row itself goes by TTL, a day after the session's expiry: the next session goes on with its numbers, so that a
   * late acknowledgement of the old one cannot meet a message of the new one.
   */
  markSwept(key: ClientKey, generation: string): Promise<void>;

  /** Filters (with their `$share/…` prefix) that a session of any generation has subscribed. */
  listSubscriptions(key: ClientKey): Promise<{ filter: string; generation: string; qos?: Qos }[]>;
  /** @param qos highest QoS of the subscription, to judge it by when permissions change; absent: 2. */
  putSubscription(key: ClientKey, filter: string, generation: string, qos?: Qos): Promise<void>;
  /** Number of filters in the list, consistently, counting no further than `limit`. */
  countSubscriptions(key: ClientKey, limit: number): Promise<number>;
  /** Deletes a filter from the list, if it is that generation's. */
  deleteSubscription(key: ClientKey, filter: string, generation: string): Promise<void>;

  /** Keeps the Will of one connection, beside what earlier connections may have left. */
  putWill(key: ClientKey, address: ConnectionAddress, generation: string, will: Will): Promise<void>;
  getWill(key: ClientKey, address: ConnectionAddress): Promise<Will | undefined>;
  /** All Wills of the client's connections that nobody has taken. */
  listWills(key: ClientKey): Promise<{ will: Will; address: ConnectionAddress; generation: string }[]>;
  /** Deletes the Will that `address` left. @returns whether this call deleted it: only then publish it. */
  takeWill(key: ClientKey, address: ConnectionAddress): Promise<boolean>;

  /**
   * Keeps, with the publisher's session, what has been chosen for one of its messages: the first choice stays, unless
   * it is `failed`. @returns the choice that is kept.
   */
  keepChoice(publisher: ClientKey, name: string, choice: string, failed: string | undefined): Promise<string>;

  /** Marks an inbound QoS 2 packet identifier as received. @returns the message id first stored for it. */
  markReceived(
    key: ClientKey,
    generation: string,
    packetIdentifier: number,
    messageId: string,
  ): Promise<{ messageId: string; first: boolean }>;
  /** @returns whether the mark existed. */
  deleteReceived(key: ClientKey, generation: string, packetIdentifier: number): Promise<boolean>;
  /** How many inbound QoS 2 messages wait for PUBREL, up to `limit`. */
  countReceived(key: ClientKey, limit: number): Promise<number>;
}

/**
 * The outbound queue of a session. Entries are keyed by packet identifier, a function of their sequence, which also says
 * which of them share a row (packet-identifier.ts).
 */
export interface QueueStore {
  /**
   * Stores entries, those that share a row by one write: they must come together and have generation, connection and
   * batch in common. Entries whose row is still taken are not stored and returned.
   */
  put(key: ClientKey, entries: readonly QueueEntry[]): Promise<QueueEntry[]>;
  /**
   * Entries from the oldest to `newestSequence`, consistently; at most `limit` and at most 1 MB, so there may
   * be more where `more` says so.
   */
  list(
    key: ClientKey,
    newestSequence: number,
    limit: number,
  ): Promise<{ entries: QueueEntry[]; more: boolean }>;
  get(key: ClientKey, packetIdentifier: number): Promise<QueueEntry | undefined>;
  /** Number of entries, consistently, counting no further than `limit`. */
  count(key: ClientKey, limit: number): Promise<number>;
  /** Deletes the entries that `isUnwanted` picks, reading the whole queue. @returns how many those were. */
  deleteWhere(key: ClientKey, isUnwanted: (entry: QueueEntry) => boolean): Promise<number>;
  /** Deletes entries; those that are gone already do no harm. */
  delete(key: ClientKey, packetIdentifiers: readonly number[]): Promise<void>;
  /** QoS 2: marks entries released and drops their payload. @returns those that there are. */
  release(key: ClientKey, packetIdentifiers: readonly number[]): Promise<ReadonlySet<number>>;
  /**
   * Makes `sequence` the only delivery of message `messageId` to this session: the first sequence that asks
   * owns it for as long as a publisher may try again. @returns the sequence that owns it.
   */
  own(key: ClientKey, generation: string, messageId: string, sequence: number): Promise<number>;
  /**
   * Deletes the queue entries and marks that one generation of a session has left.
   * @param handOver is given the entries that came through shared subscriptions, oldest first, before they are deleted.
   */
  sweep(
    key: ClientKey,
    generation: string,
    handOver?: (shared: readonly QueueEntry[]) => Promise<void>,
  ): Promise<void>;
}

export interface SubscriptionStore {
  /** @returns whether the same generation had this subscription already. */
  put(tenant: TenantId, subscription: Subscription): Promise<boolean>;
  /** @returns whether there was one of that generation. */
  delete(
    tenant: TenantId,
    subscription: Pick<Subscription, 'clientId' | 'filter' | 'shareName' | 'generation'>,
  ): Promise<boolean>;
  /**
   * Subscriptions with exactly this filter: those of clients in the order of their positions, then members of shares. At
   * most `limit`, in one Query unless a page of 1 MB ends earlier.
   */
  audience(tenant: TenantId, filter: string, options: AudienceOptions): Promise<AudiencePage>;
  /**
   * Members of every share of a filter, or of one. Of a share with more than `perShare` members as many are read, from a
   * random place round the circle, so that over many calls each member is among them equally often.
   */
  shareMembers(
    tenant: TenantId,
    filter: string,
    options: { readonly perShare: number; readonly consistent: boolean; readonly shareName?: string },
  ): Promise<Subscription[]>;
  /** Subscriptions of clients (not of shares) to a filter, in a range of positions, in their order, page by page. */
  range(
    tenant: TenantId,
    filter: string,
    range: PositionRange,
    consistent: boolean,
  ): AsyncIterable<PlacedSubscription>;
  /** Notes that messages to `topic` go through the fan-out queue until then; see {@link AudiencePage.queuedUntilMs}. */
  markQueued(tenant: TenantId, topic: string, untilMs: number): Promise<void>;
  /** What {@link markQueued} has noted, consistently. */
  queuedUntilMs(tenant: TenantId, topic: string): Promise<number | undefined>;
}
export interface AudienceOptions {
  readonly consistent: boolean;
  readonly limit: number;
}
export interface AudiencePage {
  readonly subscriptions: readonly Subscription[];
  /** Whether there are more than `limit`. */
  readonly more: boolean;
  /**
   * Where the filter is a topic whose messages have lately gone through the fan-out queue: until when (ms since 1970) all
   * of them do, so that none overtakes.
   */
  readonly queuedUntilMs?: number;
}
/**
 * Positions of clients in an audience: opaque, ordered as strings in UTF-8, evenly spread by a hash of the client id. The
 * same client has the same position in the audience of every filter.
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

/** Messages that several readers share, each kept once, and how far slices of fan-outs have come. */
export interface MessageStore {
  /** Keeps messages for that time. The same message again does no harm. */
  put(tenant: TenantId, messages: readonly Message[], keepSeconds: number): Promise<void>;
  /** Those that are there, by id; what has just been put is found. */
  get(tenant: TenantId, ids: readonly string[]): Promise<Map<string, Message>>;
  /** How far a slice has come; undefined: nothing has been noted. */
  progress(slice: FanoutSlice): Promise<SliceProgress | undefined>;
  setProgress(slice: FanoutSlice, progress: SliceProgress): Promise<void>;
  /** Remembers a topic that {@link SubscriptionStore.markQueued} has marked, for the erasure of the tenant. */
  noteQueuedTopic(tenant: TenantId, topic: string, untilMs: number): Promise<void>;
}
export interface SliceProgress {
  /** Everybody up to this position has got the messages; absent: nobody yet. */
  readonly done?: string;
  /** Sending to everybody up to this position may have begun. */
  readonly begun?: string;
}

export interface RetainedStore {
  /** @returns the message that was replaced. */
  put(tenant: TenantId, message: RetainedMessage): Promise<RetainedMessage | undefined>;
  /** @returns the message that was there. */
  delete(tenant: TenantId, topic: string): Promise<RetainedMessage | undefined>;
  get(tenant: TenantId, topic: string): Promise<RetainedMessage | undefined>;
  /** Messages whose topic is ≥ `from` (UTF-8 byte order) and starts with `prefix`, ascending, consistently. */
  page(
    tenant: TenantId,
    prefix: string,
    from: string,
    limit: number,
  ): Promise<{ messages: RetainedMessage[]; more: boolean }>;
}

export interface LiveTenantStore {
  /** Status and shapes, eventually consistent unless asked otherwise. */
  readLive(tenant: TenantId, consistent: boolean): Promise<TenantLive | undefined>;
  /** Adds a shape to all copies of the tenant's row. @returns false when the tenant has as many as it may. */
  addShape(tenant: TenantId, shape: string, maxShapes: number): Promise<boolean>;
}

/** Tokens that no longer count although they are signed and not expired. */
export interface RevocationStore {
  /**
   * Revokes all tokens of `target` that were issued up to `atMs`, then raises {@link TenantLive.revokedAtMs} beyond
   * everything that was read of it before. May be repeated.
   * @param keepSeconds how long it has to be kept: as long as tokens issued by now may live. Absent: for good.
   * @returns false where there is no such tenant.
   */
  revoke(tenant: TenantId, target: RevocationTarget, atMs: number, keepSeconds?: number): Promise<boolean>;
  /** When the latest revocation of any of these was, consistently; undefined: none is revoked. */
  latest(tenant: TenantId, targets: readonly RevocationTarget[]): Promise<number | undefined>;
}
