import type { Connection, ConnectionAddress, RateUse, TenantLive } from '../model.ts';
import type { Identity } from '../permissions.ts';

/** The stored state of one address, read before its frame is handled. Empty: nothing is stored. */
export interface PeerState {
  readonly connection?: Connection;
  /** Identity of a handshake token, kept until CONNECT. */
  readonly pending?: Identity;
  /** Status and shapes of the connection's tenant; absent when the tenant no longer exists. */
  readonly live?: TenantLive;
}

/** The fields of a connection that its token determines. */
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

/** The connection with the fields of another token; those that the token lacks are removed. */
export function withToken(connection: Connection, token: TokenState): Connection {
  const {
    permissions: _permissions,
    tokenExpiresAtSeconds: _tokenExpiresAtSeconds,
    subject: _subject,
    tokenId: _tokenId,
    tokenIssuedAtSeconds: _tokenIssuedAtSeconds,
    quotas: _quotas,
    revocationsSeenMs: _revocationsSeenMs,
    ...rest
  } = connection;
  return { ...rest, ...token };
}

/**
 * How new the row of a connection must be: `any` may be stale; `own` has what earlier frames of the
 * connection have written (a topic alias, a chunk); `latest` has also what others have done, who
 * may have ended the connection.
 */
export type RowAge = 'any' | 'own' | 'latest';

/** Rows of connections, one per address. */
export interface ConnectionStore {
  /**
   * Reads connection row and tenant row. Takes one round trip when this process has seen the
   * tenant of the address, two otherwise. A row that is absent is read again consistently, because
   * CONNECT may have written it a moment ago.
   * @param consistentLive reads the tenant's row consistently, so that it contains every shape
   *   whose SUBACK has been sent.
   * @param age default: `any`, which reads the connection's row eventually consistently first.
   * @param maxLiveAgeMs milliseconds for which the tenant's row need not be read again where this
   *   process has read it and it was active. Default: 0, which reads it.
   */
  readState(
    address: ConnectionAddress,
    consistentLive: boolean,
    age?: RowAge,
    maxLiveAgeMs?: number,
  ): Promise<PeerState>;
  /** Strongly consistent. */
  get(address: ConnectionAddress): Promise<Connection | undefined>;
  /**
   * Like {@link get}. `pending` tells whether the identity of a handshake token still waits for
   * CONNECT at this address.
   */
  find(address: ConnectionAddress): Promise<{ readonly connection?: Connection; readonly pending: boolean }>;
  /**
   * The rows that exist among `addresses`, unordered.
   * @param consistent default: eventually consistent.
   */
  getMany(addresses: readonly ConnectionAddress[], consistent?: boolean): Promise<Connection[]>;
  /**
   * Writes a connection and replaces the pending identity of its address. Idempotent for one call
   * whose answer is lost and that the client repeats.
   * @returns false if the address already has a connection: this is a second CONNECT.
   */
  create(connection: Connection): Promise<boolean>;
  /** Adds topic aliases to a connection that exists, and removes others. */
  addTopicAliases(
    address: ConnectionAddress,
    aliases: Readonly<Record<number, string>>,
    removed?: readonly number[],
  ): Promise<void>;
  /**
   * Replaces the token's fields after re-authentication; fields absent from `token` are removed.
   */
  renew(address: ConnectionAddress, token: TokenState): Promise<void>;
  /**
   * Stores the use of the connection's rates, unless another handler has stored it since `known`
   * was read.
   * @returns whether it was written.
   */
  setRateUse(address: ConnectionAddress, use: RateUse, known: RateUse | undefined): Promise<boolean>;
  /** Stores up to which revocation (ms since 1970) the connection's token has been checked. */
  setRevocationsSeen(address: ConnectionAddress, revocationsSeenMs: number): Promise<void>;
  /** Notes since when (ms since 1970) the keep-alive timer waits for a packet of the client. */
  watch(address: ConnectionAddress, sinceMs: number): Promise<void>;
  /** Notes that a packet of the client has come, so the timer no longer waits. */
  endWatch(address: ConnectionAddress, heardAtMs: number): Promise<void>;
  /** Traces the client of a connection until then (ms since 1970), or no longer. Idempotent. */
  setTrace(address: ConnectionAddress, untilMs: number | undefined): Promise<void>;
  /** Idempotent. */
  delete(address: ConnectionAddress): Promise<void>;
}
