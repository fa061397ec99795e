import { effectiveQuotas } from '../../core/quotas.ts';
import { reasonMessage, refusal } from '../../core/reasons.ts';
import { maxSessionExpiry } from '../../core/session-rules.ts';
import { type DisconnectPacket, reasonCodes } from '../../mqtt/index.ts';
import { endWith, type Outcome } from '../../sessions/outcome.ts';
import { releaseConnection } from '../../sessions/release-connection.ts';
import type { Peer, Run } from './handler.ts';

/**
 * DISCONNECT with reason 0x00 discards the Will; any other reason publishes it. It may change the
 * session's expiry interval, except from 0 (section 3.14.2.2.2 of MQTT 5.0). The connection is
 * closed. A crash leaves what {@link releaseConnection} describes.
 *
 * [MQTT-3.14.4-3 v5, MQTT-3.14.4-3 v3, MQTT-3.14.4-1 v5, MQTT-3.14.4-2 v5]
 */
export async function handleDisconnect(
  { context, connection, live }: Peer,
  [packet]: Run<DisconnectPacket>,
): Promise<Outcome> {
  const requestedSeconds = packet.properties?.sessionExpiryInterval;
  if (requestedSeconds !== undefined && requestedSeconds > 0 && connection.sessionExpirySeconds === 0)
    return { replies: [], end: endWith(connection.protocolVersion, refusal('session-expiry-raised')) };
  const normal = reasonCodes.normalDisconnection.code;
  const { reasonCode = normal } = packet;
  const maxSeconds = maxSessionExpiry(
    context.settings,
    effectiveQuotas(context.settings, live.quotas, connection.quotas),
  );
  await releaseConnection(context, connection, {
    will: reasonCode === normal ? 'discard' : 'publish',
    reason: { code: 'client-disconnect', reasonCode, initiator: 'client' },
    live,
    ...(requestedSeconds === undefined
      ? {}
      : { sessionExpirySeconds: Math.min(requestedSeconds, maxSeconds) }),
  });
  const message = reasonMessage('client-disconnect');
  return { replies: [], end: { code: 'client-disconnect', message, will: 'discard' } };
}
