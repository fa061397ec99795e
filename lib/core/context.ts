import type { ClientKey, ConnectionAddress, Session } from './model.ts';
import type { Ports } from './ports.ts';
import type { Settings } from './settings.ts';
import type { Traces } from './traces.ts';

/** The argument of every handler: ports, settings, and the calls that delivery makes upwards. */
export interface Context extends Ports {
  readonly settings: Settings;
  /** Clients that an operator traces. */
  readonly traces: Traces;
  readonly senders: SenderWatch;
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

/** A session in whose queue a handler has the lease to send. */
export type LeasedSession = Session & {
  readonly address: ConnectionAddress;
  readonly sendingUntilMs: number;
};

/** Sees to it that others find out when the holder of such a lease has died. */
export interface SenderWatch {
  /** Call it before messages are left to the holder, and acknowledge them after it. */
  watch(session: LeasedSession): Promise<void>;
}
