import { narrowed } from '../../core/quotas.ts';
import { maxSessionExpiry } from '../../core/session-rules.ts';
import { type DisconnectPacket, reasonCodes } from '../../mqtt/index.ts';
import { releaseConnection } from '../../sessions/lifecycle.ts';
import { endWith, type Outcome } from '../../sessions/outcome.ts';
import type { Peer, Run } from './handler.ts';

/**
 * DISCONNECT: discards the Will unless the reason is another than 0x00 [MQTT-3.14.4-3 v5, MQTT-3.14.4-3 v3], may change
 * the session's expiry, and closes the connection [MQTT-3.14.4-1 v5, MQTT-3.14.4-2 v5].
 */
export async function handleDisconnect(
  { context, connection, live }: Peer,
  [packet]: Run<DisconnectPacket>,
): Promise<Outcome> {
  const requested = packet.properties?.sessionExpiryInterval;
  // Section 3.14.2.2.2 of MQTT 5.0: an expiry of 0 at CONNECT cannot be raised.
  if (requested !== undefined && requested > 0 && connection.sessionExpirySeconds === 0)
    return {
      replies: [],
      end: endWith(connection.protocolVersion, {
        code: 'session-expiry-raised',
        message: 'a session that ends with its connection cannot be given an expiry by DISCONNECT',
        reasonCode: reasonCodes.protocolError.code,
      }),
    };
  const reasonCode = packet.reasonCode ?? reasonCodes.normalDisconnection.code;
  const normal = reasonCode === reasonCodes.normalDisconnection.code;
  await releaseConnection(context, connection, {
    will: normal ? 'discard' : 'publish',
    reason: { code: 'client-disconnect', reasonCode, initiator: 'client' },
    live,
    ...(requested === undefined
      ? {}
      : {
          sessionExpirySeconds: Math.min(
            requested,
            maxSessionExpiry(context.settings, narrowed(live.quotas, connection.quotas)),
          ),
        }),
  });
  return {
    replies: [],
    end: { code: 'client-disconnect', message: 'the client disconnected', will: 'discard' },
  };
}
