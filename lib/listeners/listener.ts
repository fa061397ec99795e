import type { BufferBudget } from './buffers.ts';
import type { Identify } from './client-certificates.ts';
import type { ClientServer, Session } from './client-server.ts';
import type { OpenConnections } from './open-connections.ts';
import type { Limits } from './options.ts';

/** Time for a client to read the rest and close, after its session has ended. */
export const endTimeoutMs = 5_000;

/**
 * Settings of all sockets. Probes of TCP end half-open connections: the first one after 60 s of
 * silence, then one a second; after 10 without an answer the connection has failed.
 */
export const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 } as const;

/** What the listeners of all transports share. */
export interface ListenerService<Own extends string> {
  readonly server: ClientServer<Own>;
  readonly limits: Limits;
  readonly connections: Pick<OpenConnections, 'fullFor'>;
  readonly buffers: BufferBudget;
  readonly identify: Identify;
  readonly started: (session: Session) => void;
}
