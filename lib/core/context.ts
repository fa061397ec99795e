import type { ClientKey, ConnectionAddress } from './model.ts';
import type { Ports } from './ports.ts';
import type { Settings } from './settings.ts';
import type { Traces } from './traces.ts';

/** The argument of every handler: ports, settings, and the calls that delivery makes upwards. */
export interface Context extends Ports {
  readonly settings: Settings;
  /** Clients that an operator traces. */
  readonly traces: Traces;
  /**
   * Ends a connection as `$disconnect` would. Delivery calls it when a post shows that the
   * connection is gone. Idempotent.
   */
  connectionLost(key: ClientKey, address: ConnectionAddress): Promise<void>;
  /**
   * Deletes the rows of an ended session. Delivery calls it when a message finds the session ended.
   * Idempotent.
   */
  sessionEnded(key: ClientKey, generation: string): Promise<void>;
}
