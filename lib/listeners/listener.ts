import type { Identify } from './client-certificates.ts';
import type { ClientServer, Session } from './client-server.ts';
import type { Limits } from './options.ts';

/** Time for a client to read the rest and close, after its session has ended. */
export const endTimeoutMs = 5_000;

/** What the listeners of all transports share. */
export interface ListenerService<Own extends string> {
  readonly server: ClientServer<Own>;
  readonly limits: Limits;
  readonly isFull: () => boolean;
  readonly identify: Identify;
  readonly started: (session: Session) => void;
}
