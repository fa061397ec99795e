import type { Broker } from '../broker/broker.ts';
import { concurrently } from '../core/concurrently.ts';
import type { ConnectionAddress } from '../core/model.ts';
import type { Ports } from '../core/ports.ts';
import type { ConnectionStore } from '../core/store-ports/connections.ts';

/** Connections that are looked at, or ended, at the same time. */
const connectionsAtOnce = 16;

/**
 * Ends the connections of clients that have not acknowledged everything, after a back door was
 * lost: it may have had messages for them that nobody sends again, and MQTT allows to repeat one
 * only on a new connection [MQTT-4.4.0-1 v5]. Ends those whose row others have deleted as well: the
 * lost door may have had their close. The others stay. Reads row and queue of each client once.
 *
 * @param stored the rows as others see them.
 */
export async function endUnsure(
  { connections, queue, log }: Pick<Ports, 'connections' | 'queue' | 'log'>,
  stored: Pick<ConnectionStore, 'getMany'>,
  broker: Pick<Broker, 'shutDown'>,
  addresses: readonly ConnectionAddress[],
): Promise<void> {
  let count = 0;
  const own = await connections.getMany(addresses);
  const rows = await stored.getMany(own.map(({ address }) => address));
  const stays = new Set(rows.map(({ address }) => address));
  await concurrently(own, connectionsAtOnce, async (connection) => {
    if (stays.has(connection.address) && (await queue.count(connection, 1)) === 0) return;
    count += 1;
    await broker.shutDown(connection.address, 'back-door-lost');
  });
  if (count > 0) log.warn('connections ended with the back door', { count });
}
