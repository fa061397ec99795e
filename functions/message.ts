import { webSocketEvent } from '../lib/aws/events.ts';
import type { ConnectionAddress } from '../lib/broker/model.ts';
import { type FunctionService, functionService } from './service.ts';

/** `$default`: one frame of a client; the body is the route response that completes it. */
export function messageHandler(service: () => Pick<FunctionService, 'broker' | 'flush'>) {
  return async (event: unknown): Promise<{ statusCode: number; body: string }> => {
    const { connectionId, body } = webSocketEvent(event);
    const { broker, flush } = service();
    try {
      return { statusCode: 200, body: await broker.message(connectionId as ConnectionAddress, body) };
    } finally {
      await flush();
    }
  };
}

export const handler = messageHandler(functionService);
