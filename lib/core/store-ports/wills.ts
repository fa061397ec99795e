import type { ClientKey, ConnectionAddress, Will } from '../model.ts';

/** A Will that one connection left. */
export interface LeftWill {
  readonly will: Will;
  readonly address: ConnectionAddress;
  readonly generation: string;
}

/**
 * Wills, one per connection. A client may have several until those of earlier connections are
 * taken.
 */
export interface WillStore {
  put(key: ClientKey, address: ConnectionAddress, generation: string, will: Will): Promise<void>;
  /** Strongly consistent. */
  get(key: ClientKey, address: ConnectionAddress): Promise<Will | undefined>;
  /** All Wills of the client that have not been taken, strongly consistent. */
  list(key: ClientKey): Promise<LeftWill[]>;
  /**
   * Deletes the Will of connection `address`.
   * @returns whether this call deleted it. Only then may the caller publish it, so a Will is
   *   published at most once; a crash between the two loses it.
   */
  take(key: ClientKey, address: ConnectionAddress): Promise<boolean>;
}
