import type { ClientKey, ConnectionAddress } from './model.ts';
import type { Ports } from './ports.ts';
import type { Settings } from './settings.ts';

/** What every handler is given: the ports, the settings, and the one way up that delivery needs. */
export interface Context extends Ports {
  readonly settings: Settings;
  /**
   * Called when a post shows that a connection is gone although nobody said so: ends it as `$disconnect` would
   * have. Idempotent.
   */
  connectionLost(key: ClientKey, address: ConnectionAddress): Promise<void>;
  /** Called when a message for a session shows that it has ended: deletes what it left. Idempotent. */
  sessionEnded(key: ClientKey, generation: string): Promise<void>;
}
