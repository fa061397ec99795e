import { sqsRecords } from '../lib/aws/events.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { type TimerMessage, timerFrom } from '../lib/aws/timers.ts';

/**
 * Timer queue: hands all messages of an invocation to the broker together. A record that fails
 * returns to the queue alone; after five attempts SQS moves it to the dead-letter queue.
 */
export function createTimerHandler(service: () => Pick<FunctionService, 'broker' | 'log' | 'flush'>) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const { broker, log, flush } = service();
    const failed: string[] = [];
    const fail = (messageId: string, error: unknown): void => {
      log.error('timer failed', { error: error instanceof Error ? error.name : 'unknown' });
      failed.push(messageId);
    };
    const arrived: { readonly messageId: string; readonly message: TimerMessage }[] = [];
    for (const { messageId, body } of sqsRecords(event)) {
      try {
        arrived.push({ messageId, message: timerFrom(body) });
      } catch (error) {
        fail(messageId, error);
      }
    }
    const outcomes = await broker.timers(arrived.map(({ message }) => message));
    for (const [index, { messageId }] of arrived.entries()) {
      const outcome = outcomes[index];
      if (outcome?.status === 'rejected') fail(messageId, outcome.reason);
    }
    await flush();
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  };
}

export const handler = createTimerHandler(functionService);
