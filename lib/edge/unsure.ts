import type { Broker } from '../broker/broker.ts';
import { concurrently } from '../core/concurrently.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';

/** Connections that are looked at, or ended, at the same time. */
const connectionsAtOnce = 16;

/**
 * Ends the connections of clients that have not acknowledged everything, after a back door was
 * lost: it may have had messages for them that nobody sends again, and MQTT allows to repeat one
 * only on a new connection [MQTT-4.4.0-1 v5]. The others stay. Reads the queue of each client once.
 */
export async function endUnsure(
  { connections, queue, log }: Pick<Ports, 'connections' | 'queue' | 'log'>,
  broker: Pick<Broker, 'shutDown'>,
  addresses: readonly ConnectionAddress[],
): Promise<void> {
  let count = 0;
  await concurrently(await connections.getMany(addresses), connectionsAtOnce, async (connection) => {
    if ((await queue.count(connection, 1)) === 0) return;
    count += 1;
    await broker.shutDown(connection.address, 'back-door-lost');
  });
  if (count > 0) log.warn('connections ended with the back door', { count });
}
