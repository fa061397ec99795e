import type { ConnectionAddress } from '../model.ts';

/**
 * Topic aliases for which the connection's row has no room, one row each. They count only where
 * that row does not have the alias. Rows expire by TTL with that of the connection.
 */
export interface TopicAliasStore {
  /** Sets aliases, in place of what they stood for. Idempotent. */
  put(address: ConnectionAddress, aliases: Readonly<Record<number, string>>): Promise<void>;
  /** The topics of those aliases that are stored here, strongly consistent. */
  read(address: ConnectionAddress, aliases: readonly number[]): Promise<Readonly<Record<number, string>>>;
}
