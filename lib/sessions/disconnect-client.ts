import type { Context } from '../core/context.ts';
import type { ClientKey } from '../core/model.ts';
import type { Refusal } from '../core/reasons.ts';
import { closeConnection } from './close-connection.ts';
import { endWith } from './outcome.ts';

/**
 * Ends the connection that holds a client's session. The session lives on for its expiry interval.
 *
 * Idempotent. A session that is held by an address without a connection row, which a crash has
 * left, goes offline.
 *
 * @param will whether the Will is published; default: it is.
 * @returns whether there was a connection.
 */
export async function disconnectClient(
  context: Context,
  key: ClientKey,
  reason: Refusal,
  will: 'publish' | 'discard' = 'publish',
): Promise<boolean> {
  const { address } = (await context.sessions.get(key)) ?? {};
  if (address === undefined) return false;
  const connection = await context.connections.get(address);
  if (connection === undefined) {
    await context.connectionLost(key, address);
    await context.gateway.close(address);
    return true;
  }
  const end = endWith(connection.protocolVersion, reason);
  await closeConnection(context, address, connection, [], { ...end, will });
  return true;
}
