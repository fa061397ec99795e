import { encodePacket, reasonCodes } from '../mqtt/index.ts';
import { encodePackets } from '../wire/index.ts';
import type { Context } from './context.ts';
import { publishWillOf } from './lifecycle.ts';
import type { Connection, ConnectionAddress } from './model.ts';

/**
 * Ends the connection from which a session has been taken: DISCONNECT 0x8E in 5.0 and close [MQTT-3.1.4-3 v5,
 * MQTT-3.1.4-2 v3]. Its Will is published, unless it has a delay and the session goes on: a client that is back
 * before the delay has passed was never gone [MQTT-3.1.3-9 v5].
 *
 * A crash on the way leaves the old connection open; it no longer holds the session, its frames are refused once its
 * row is gone, and API Gateway ends it at the latest after 2 hours.
 */
export async function takeOver(
  context: Context,
  by: Connection,
  previous: ConnectionAddress,
  options: { readonly sessionEnded: boolean },
): Promise<void> {
  const old = await context.connections.get(previous);
  await context.connections.delete(previous);
  if (old !== undefined)
    context.usage.count(by.tenant, { connectionMs: Math.max(0, by.connectedAtMs - old.connectedAtMs) });
  const left = options.sessionEnded ? undefined : await context.sessions.getWill(by);
  if (left !== undefined && left.address === previous && left.will.delaySeconds === 0)
    await publishWillOf(context, by, previous);
  if (old?.protocolVersion === 5) {
    const packet = encodePacket({ cmd: 'disconnect', reasonCode: reasonCodes.sessionTakenOver.code }, 5);
    await context.gateway.post(previous, encodePackets(packet));
  }
  await context.gateway.close(previous);
}
