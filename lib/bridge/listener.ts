import type { Identify } from './client-certificates.ts';
import type { Limits } from './options.ts';
import type { Session } from './session.ts';
import type { Connect } from './upstream.ts';

/** Time for a client to read the rest and close, after upstream has closed. */
export const endTimeoutMs = 5_000;

/** What the listeners of all transports share. */
export interface ListenerService {
  readonly connect: Connect;
  readonly limits: Limits;
  readonly isFull: () => boolean;
  readonly identify: Identify;
  readonly started: (session: Session) => void;
}
