import { webSocketEvent } from '../lib/aws/events.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import type { ConnectionAddress } from '../lib/core/model.ts';

/** `$disconnect`: API Gateway calls it on a best-effort basis, so timers do the same work later. */
export function createDisconnectHandler(service: () => Pick<FunctionService, 'broker' | 'flush'>) {
  return async (event: unknown): Promise<{ statusCode: number }> => {
    const { connectionId } = webSocketEvent(event);
    const { broker, flush } = service();
    try {
      await broker.disconnected(connectionId as ConnectionAddress);
      return { statusCode: 200 };
    } finally {
      await flush();
    }
  };
}

export const handler = createDisconnectHandler(functionService);
