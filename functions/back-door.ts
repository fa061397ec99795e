import { type DoorService, doorService } from '../lib/aws/door-service.ts';
import { webSocketEvent } from '../lib/aws/events.ts';
import { answerToDoor } from '../lib/wire/back-door.ts';

/**
 * The WebSocket API of back doors, one connection for each edge process. API Gateway authorises
 * `$connect` with IAM. `$default` tells a process its connection id and answers heartbeats.
 * `$disconnect` comes on a best-effort basis; looks at the lease of the edge do the same later.
 */
export function createBackDoorHandler(service: () => DoorService) {
  return async (event: unknown): Promise<{ statusCode: number; body?: string }> => {
    const { connectionId, routeKey, body } = webSocketEvent(event);
    if (routeKey === '$connect') return { statusCode: 200 };
    if (routeKey !== '$disconnect') return { statusCode: 200, body: answerToDoor(body, connectionId) };
    const { doorClosed, flush } = service();
    try {
      await doorClosed(connectionId);
      return { statusCode: 200 };
    } finally {
      await flush();
    }
  };
}

export const handler = createBackDoorHandler(doorService);
