import { createKafkaTarget } from '../kafka/index.ts';
import { createMskTokens } from './msk-token.ts';
import type { RuleService } from './rule-batch.ts';
import { createRuleSecrets } from './rule-secrets.ts';
import { createRuleService } from './rule-service.ts';

let service: RuleService | undefined;

/**
 * The service of the lane `kafka`, created at the first batch and kept. In a module of its own:
 * only the function of this lane has a client of Kafka in its bundle.
 */
export function kafkaRuleFunctionService(): RuleService {
  service ??= createRuleService('kafka', {
    kafka: createKafkaTarget({ secrets: createRuleSecrets(Date.now), iamToken: createMskTokens() }),
  });
  return service;
}
