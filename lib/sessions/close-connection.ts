import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Connection, ConnectionAddress, TenantLive } from '../core/model.ts';
import { chunkId } from '../delivery/post.ts';
import { noteRefusal } from '../limits/refusals.ts';
import { reasonCodes, type ServerPacket } from '../mqtt/index.ts';
import { encodeMessages } from '../wire/index.ts';
import type { End } from './outcome.ts';
import { releaseConnection } from './release-connection.ts';
import { encodeWithin } from './replies.ts';

/**
 * Ends a connection from the server's side: releases the session, then pushes the last message (the
 * replies so far and CONNACK or DISCONNECT), then closes. The message is a push because nothing can
 * run after a route response.
 *
 * A crash before the close leaves a connection without a row: its next frame is refused and the
 * close tried again.
 *
 * [MQTT-3.2.2-7 v5, MQTT-3.14.4-1 v5, MQTT-3.14.4-2 v5, MQTT-4.13.2-1 v5]
 */
export async function closeConnection(
  context: Context,
  address: ConnectionAddress,
  connection: Connection | undefined,
  replies: readonly ServerPacket[],
  end: End,
  live?: TenantLive,
): Promise<void> {
  const { code, reasonCode, will } = end;
  if (code !== 'client-disconnect') {
    // The server's own affairs are nobody's error.
    if (reasonCode !== reasonCodes.serverShuttingDown.code) noteEnd(context, address, connection, end);
    if (connection !== undefined) {
      const reason = {
        code,
        ...(reasonCode === undefined ? {} : { reasonCode }),
        initiator: 'server',
      } as const;
      await releaseConnection(context, connection, { will, reason, ...(live && { live }) });
    }
  }
  const packets = encodeWithin(
    connection ?? { clientMaxPacketBytes: end.clientMaxPacketBytes },
    end.packet === undefined ? replies : [...replies, end.packet],
  );
  for (const text of encodeMessages(packets, chunkId)) await context.gateway.post(address, text);
  await context.gateway.close(address);
}

function noteEnd(
  context: Context,
  address: ConnectionAddress,
  connection: Connection | undefined,
  { code, reasonCode, message, connecting, isNoted }: End,
): void {
  context.log.count(metrics.protocolErrors);
  if (isNoted === true) return;
  const { tenant, clientId } = connection ?? connecting ?? {};
  noteRefusal(context, {
    code,
    what: reasonCode === undefined ? 'connect' : 'connection',
    reason: message,
    connection: address,
    ...(tenant === undefined ? {} : { tenant }),
    ...(clientId === undefined ? {} : { clientId }),
  });
}
