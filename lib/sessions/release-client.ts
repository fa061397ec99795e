import type { Context } from '../core/context.ts';
import type { ClientKey, ConnectionAddress, Session } from '../core/model.ts';
import { type Refusal, refusal } from '../core/reasons.ts';
import { hasEnded } from '../core/session-rules.ts';
import { closeConnection } from './close-connection.ts';
import { deleteSessionRows, endSession } from './end-session.ts';
import { endWith } from './outcome.ts';

/** Attempts to end a session that its client keeps taking or leaving. */
const maxAttempts = 20;

/**
 * Ends a client's connection (0x98) and its session, so that the client identifier belongs to no
 * subject: the next token that may use it takes it. The Will is published.
 *
 * One conditional write ends the session: as going offline with expiry 0 where a connection holds
 * it, else as the start of another generation that has ended. A client that returns meanwhile makes
 * that write fail. A crash afterwards leaves rows of an ended session, which count for nothing.
 * Idempotent.
 *
 * @returns a refusal where the session changes too often (0x89).
 */
export async function releaseClient(context: Context, key: ClientKey): Promise<Refusal | undefined> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const session = await context.sessions.get(key);
    if (session === undefined || session.swept === true) return undefined;
    if (session.address !== undefined) {
      await endHolder(context, session, session.address);
    } else if (hasEnded(session, context.clock.nowMs())) {
      await endSession(context, key, session.generation);
      return undefined;
    } else if (await endOffline(context, session)) {
      return undefined;
    }
  }
  return refusal('session-busy');
}

async function endHolder(context: Context, session: Session, address: ConnectionAddress): Promise<void> {
  const connection = await context.connections.get(address);
  if (connection !== undefined) {
    const end = endWith(connection.protocolVersion, refusal('client-disconnected'));
    await closeConnection(context, address, { ...connection, sessionExpirySeconds: 0 }, [], end);
    return;
  }
  // A crash of CONNECT has left a holder without a row.
  const expiresAtMs = context.clock.nowMs();
  await context.sessions.markOffline(session, address, { expirySeconds: 0, expiresAtMs });
  await context.gateway.close(address);
}

async function endOffline(context: Context, session: Session): Promise<boolean> {
  const { owner: _, ...unowned } = session;
  const generation = context.ids.unique();
  const ended = { ...unowned, generation, expirySeconds: 0, expiresAtMs: context.clock.nowMs() };
  if (!(await context.sessions.replace(ended, session))) return false;
  await deleteSessionRows(context, session);
  await context.sessions.markSwept(session, generation);
  return true;
}
