import { sqsRecords } from '../lib/aws/events.ts';
import { type FunctionService, functionService } from '../lib/aws/function-service.ts';
import { timerFrom } from '../lib/aws/timers.ts';

/**
 * Timer queue: fires timers that are due and sends the others again with a new delay. A record that
 * fails returns to the queue alone; after five attempts SQS moves it to the dead-letter queue.
 */
export function createTimerHandler(
  service: () => Pick<FunctionService, 'broker' | 'timers' | 'nowMs' | 'log' | 'flush'>,
) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const { broker, timers, nowMs, log, flush } = service();
    const failures = await Promise.all(
      sqsRecords(event).map(async ({ messageId, body }) => {
        try {
          const { timer, dueAtMs } = timerFrom(body);
          if (dueAtMs > nowMs()) await timers.schedule(timer, dueAtMs);
          else await broker.timer(timer);
          return [];
        } catch (error) {
          log.error('timer failed', { error: error instanceof Error ? error.name : 'unknown' });
          return [{ itemIdentifier: messageId }];
        }
      }),
    );
    await flush();
    return { batchItemFailures: failures.flat() };
  };
}

export const handler = createTimerHandler(functionService);
