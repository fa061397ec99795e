import type { RuleTargets } from '../../rules/target.ts';
import { createWebhookTarget, type WebhookTargetOptions } from '../../rules/targets/webhook.ts';
import type { TargetClientOptions } from './clients.ts';
import { createDynamoDbTarget } from './dynamodb.ts';
import { createEventBridgeTarget } from './eventbridge.ts';
import { createFirehoseTarget } from './firehose.ts';
import { createKinesisTarget } from './kinesis.ts';
import { createLambdaTarget } from './lambda.ts';
import { createSnsTarget } from './sns.ts';
import { createSqsTarget } from './sqs.ts';

export interface RuleTargetsOptions {
  readonly webhook: WebhookTargetOptions;
  /** Of the clients of AWS targets. Default: AWS, as the function's own role. */
  readonly aws?: TargetClientOptions;
}

/**
 * The targets of the common lane, without `republish`. Only the function that delivers records
 * loads this module.
 */
export function createRuleTargets({ webhook, aws = {} }: RuleTargetsOptions): RuleTargets {
  return {
    webhook: createWebhookTarget(webhook),
    sqs: createSqsTarget(aws),
    sns: createSnsTarget(aws),
    eventbridge: createEventBridgeTarget(aws),
    kinesis: createKinesisTarget(aws),
    firehose: createFirehoseTarget(aws),
    lambda: createLambdaTarget(aws),
    dynamodb: createDynamoDbTarget(aws),
  };
}
