import { webSocketEvent } from '../lib/aws/events.ts';
import type { ConnectionAddress } from '../lib/core/model.ts';
import { oneWayRouteKey } from '../lib/wire/index.ts';
import { type FunctionService, functionService } from './service.ts';

/**
 * `$default`: one frame of a client; the body is the route response that completes it. And `oneway`: one that is not
 * answered, since its route has no response.
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
