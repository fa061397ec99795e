import type { Context } from '../core/context.ts';
import type { ClientKey } from '../core/model.ts';
import { reasonCodes } from '../mqtt/index.ts';
import { closeConnection } from './close-connection.ts';
import { endWith } from './outcome.ts';

/**
 * Ends the connection that holds a client's session with 0x98 Administrative action; the session lives on as long as
 * its expiry says. @returns whether there was a connection.
 */
export async function disconnectClient(
  context: Context,
  key: ClientKey,
  options: { readonly code: string; readonly message: string; readonly will?: 'publish' | 'discard' },
): Promise<boolean> {
  const { address } = (await context.sessions.get(key)) ?? {};
  if (address === undefined) return false;
  const connection = await context.connections.get(address);
  if (connection === undefined) {
    await context.connectionLost(key, address);
    await context.gateway.close(address);
    return true;
  }
  const { code: reasonCode } = reasonCodes.administrativeAction;
  const end = endWith(connection.protocolVersion, { ...options, reasonCode });
  await closeConnection(context, address, connection, [], { ...end, will: options.will ?? 'publish' });
  return true;
}
