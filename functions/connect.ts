import { webSocketEvent } from '../lib/aws/events.ts';
import { type HandshakeService, handshakeService, noteWithoutProfile } from '../lib/aws/handshake-service.ts';
import type { ConnectionAddress } from '../lib/core/model.ts';
import { subprotocol } from '../lib/wire/limits.ts';

/**
 * `$connect`: refuses clients that do not offer the wire profile (400) and invalid tokens (401).
 * The MQTT CONNECT follows through `$default`. Returning the subprotocol selects it.
 */
export function createConnectHandler(service: () => HandshakeService) {
  return async (event: unknown): Promise<{ statusCode: number; headers?: Record<string, string> }> => {
    const { connectionId, headers, query } = webSocketEvent(event);
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const { broker, context, flush } = service();
    try {
      if (!offered.includes(subprotocol)) {
        noteWithoutProfile(context, connectionId);
        return { statusCode: 400 };
      }
      const statusCode = await handshake(broker, connectionId, headers, query);
      if (statusCode !== 200) return { statusCode };
      return { statusCode, headers: { 'Sec-WebSocket-Protocol': subprotocol } };
    } finally {
      await flush();
    }
  };
}

function handshake(
  broker: HandshakeService['broker'],
  connectionId: string,
  headers: Readonly<Record<string, string>>,
  query: Readonly<Record<string, string>>,
): Promise<200 | 401> {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return broker.handshake(connectionId as ConnectionAddress, bearer ?? query.token, query.tenant);
}

export const handler = createConnectHandler(handshakeService);
