import type { Context } from '../core/context.ts';
import type { Connection, ConnectionAddress, TenantLive } from '../core/model.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { encodePacket, reasonCodes } from '../mqtt/index.ts';
import { encodePackets } from '../wire/index.ts';
import { announceDisconnected, type DisconnectReason } from './presence.ts';

/**
 * Ends the connection from which a session has been taken over: DISCONNECT 0x8E in 5.0, then the
 * close. Its Will is settled where the session is resumed (left-will.ts) or ended (end-session.ts).
 *
 * A crash leaves the old connection open. It no longer holds the session, its frames are refused
 * once its row is deleted, and API Gateway closes it after at most 2 hours.
 *
 * [MQTT-3.1.4-3 v5, MQTT-3.1.4-2 v3]
 */
export async function takeOver(
  context: Context,
  by: Connection,
  previous: ConnectionAddress,
  options: {
    /** Connection sequence of the previous connection. */
    readonly sequence: number;
    readonly live: TenantLive | undefined;
  },
): Promise<void> {
  const old = await context.connections.get(previous);
  await context.connections.delete(previous);
  const { tenant, clientId } = by;
  noteRefusal(context, { code: takenOver.code, what: 'connection', tenant, clientId, connection: previous });
  if (old !== undefined)
    context.usage.count(by.tenant, { connectionMs: Math.max(0, by.connectedAtMs - old.connectedAtMs) });
  if (old?.protocolVersion === 5) {
    const packet = encodePacket({ cmd: 'disconnect', reasonCode: reasonCodes.sessionTakenOver.code }, 5);
    await context.gateway.post(previous, encodePackets(packet));
  }
  await context.gateway.close(previous);
  const { code, initiator } = takenOver;
  context.traces.note(by, 'disconnect', { connection: previous, code, by: initiator });
  const known =
    old === undefined ? {} : { protocolVersion: old.protocolVersion, connectedAtMs: old.connectedAtMs };
  const ended = { sequence: options.sequence, reason: takenOver, ...known };
  await announceDisconnected(context, by, ended, options.live);
}

const takenOver: DisconnectReason = {
  code: 'session-taken-over',
  reasonCode: reasonCodes.sessionTakenOver.code,
  initiator: 'server',
};
