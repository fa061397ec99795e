import type { Context } from '../../core/context.ts';
import { clientQuotaNames, type TenantQuotas } from '../../core/quotas.ts';
import { maxPacketBytesOf } from '../../core/session-rules.ts';
import { type ConnackPacket, reasonCodes } from '../../mqtt/index.ts';
import type { Holding } from './admission.ts';

/**
 * The CONNACK that accepts. In 5.0 it names an assigned client identifier and the authentication
 * method of CONNECT, if there was one. It never has response information. MQTT 3.1 reserves the
 * byte of Session Present.
 *
 * [MQTT-3.1.3-7 v5, MQTT-4.12.0-5 v5, MQTT-4.12.0-6 v5, MQTT-3.1.2-28 v5, MQTT-3.2.2-1 v3,
 * MQTT-3.2.2-2 v3, MQTT-3.2.2-3 v3, MQTT-3.2.2-2 v5, MQTT-3.2.2-3 v5]
 */
export function connackFor(context: Context, known: Holding): ConnackPacket {
  const { packet, clientId, isAssigned, quotas, connection, opened } = known;
  if (packet.protocolVersion === 3) return { cmd: 'connack', sessionPresent: false, returnCode: 0 };
  const sessionPresent = opened.present;
  if (packet.protocolVersion === 4) return { cmd: 'connack', sessionPresent, returnCode: 0 };
  const { settings } = context;
  const requestedExpiry = packet.properties?.sessionExpiryInterval ?? 0;
  const { sessionExpirySeconds, keepAliveSeconds, authenticationMethod } = connection;
  return {
    cmd: 'connack',
    sessionPresent,
    reasonCode: reasonCodes.success.code,
    properties: {
      receiveMaximum: settings.receiveMaximum,
      maximumPacketSize: maxPacketBytesOf(settings, quotas),
      topicAliasMaximum: settings.topicAliasMaximum,
      ...(isAssigned ? { assignedClientIdentifier: clientId } : {}),
      ...(keepAliveSeconds === packet.keepalive ? {} : { serverKeepAlive: keepAliveSeconds }),
      ...(sessionExpirySeconds === requestedExpiry ? {} : { sessionExpiryInterval: sessionExpirySeconds }),
      ...(authenticationMethod === undefined ? {} : { authenticationMethod }),
      ...quotaProperties(quotas),
    },
  };
}

/** The client's quotas as user properties `quota.NAME`; none where no quota is set. */
function quotaProperties(quotas: TenantQuotas): { userProperties?: [string, string][] } {
  const set = clientQuotaNames.flatMap((name): [string, string][] => {
    const bound = quotas[name];
    return bound === undefined ? [] : [[`quota.${name}`, String(bound)]];
  });
  return set.length === 0 ? {} : { userProperties: set };
}
