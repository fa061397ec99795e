import { sqsRecords } from '../lib/aws/events.ts';
import { type InboundService, publishInboundBatch } from '../lib/aws/inbound-batch.ts';
import { inboundFunctionService } from '../lib/aws/inbound-service.ts';

/** Inbound queue: publishes its messages. What is left returns to the queue alone. */
export function createInboundHandler(service: () => InboundService) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const made = service();
    try {
      const left = await publishInboundBatch(made, sqsRecords(event));
      return { batchItemFailures: left.map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await made.flush();
    }
  };
}

export const handler = createInboundHandler(inboundFunctionService);
