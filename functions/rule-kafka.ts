import { kafkaRuleFunctionService } from '../lib/aws/rule-kafka-service.ts';
import { createRuleHandler } from './rule.ts';

/** Queue of the lane `kafka`: delivers records of rules to Apache Kafka. */
export const handler = createRuleHandler(kafkaRuleFunctionService);
