import { sqsRecords } from '../lib/aws/events.ts';
import { deliverRuleBatch, type RuleService } from '../lib/aws/rule-batch.ts';
import { ruleFunctionService } from '../lib/aws/rule-service.ts';

/** Rule queue: delivers records of rules. What is left returns to the queue alone. */
export function createRuleHandler(service: () => RuleService) {
  return async (event: unknown): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> => {
    const made = service();
    try {
      const left = await deliverRuleBatch(made, sqsRecords(event));
      return { batchItemFailures: left.map((itemIdentifier) => ({ itemIdentifier })) };
    } finally {
      await made.flush();
    }
  };
}

export const handler = createRuleHandler(ruleFunctionService);
