import { webSocketEvent } from '../lib/aws/events.ts';
import type { ConnectionAddress } from '../lib/core/model.ts';
import { type FunctionService, functionService } from './service.ts';

/** `$disconnect`: best effort; timers cover its absence. */
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
