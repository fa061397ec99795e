import type { ConnectionAddress } from '../model.ts';
import type { Identity } from '../permissions.ts';

/**
 * Identities of handshake tokens, kept from `$connect` until CONNECT. `ConnectionStore.readState`
 * reads them, and `ConnectionStore.create` replaces them.
 */
export interface PendingIdentityStore {
  put(address: ConnectionAddress, identity: Identity): Promise<void>;
  /** Deletes an identity whose CONNECT never came; a connection at the address stays. */
  delete(address: ConnectionAddress): Promise<void>;
}
