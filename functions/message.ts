import { webSocketEvent } from '../lib/aws/events.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import type { ConnectionAddress } from '../lib/core/model.ts';
import { oneWayRouteKey } from '../lib/wire/index.ts';

/**
 * `$default`: one frame of a client; the body is the route response that completes it. `oneway`: a
 * frame without an answer, because its route has no response.
 */
export function createMessageHandler(service: () => Pick<FunctionService, 'broker' | 'flush'>) {
  return async (event: unknown): Promise<{ statusCode: number; body?: string }> => {
    const { connectionId, routeKey, body } = webSocketEvent(event);
    const address = connectionId as ConnectionAddress;
    const { broker, flush } = service();
    try {
      if (routeKey !== oneWayRouteKey) return { statusCode: 200, body: await broker.message(address, body) };
      await broker.oneWay(address, body);
      return { statusCode: 200 };
    } finally {
      await flush();
    }
  };
}

export const handler = createMessageHandler(functionService);
