import { sqsRecords } from '../lib/aws/events.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { deliverSliceBatch, type SliceService } from '../lib/aws/slice-batch.ts';

/**
 * Fan-out queue: delivers slices of large audiences. Slices that are left return to the queue
 * alone.
 */
export function createFanoutHandler(service: () => SliceService & Pick<FunctionService, 'flush'>) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const made = service();
    try {
      const left = await deliverSliceBatch(made, sqsRecords(event));
      return { batchItemFailures: left.map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await made.flush();
    }
  };
}

export const handler = createFanoutHandler(functionService);
