import { pathToFileURL } from 'node:url';
import { CreateQueueCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { createRuleTargets } from '../aws/rule-targets/index.ts';
import { type AwsClientOptions, localCredentials } from '../aws/settings.ts';
import { createSqsClient } from '../aws/sqs.ts';
import type { RuleSecrets } from '../core/rule-secrets.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort, RuleTargets } from '../rules/target.ts';

/**
 * Targets of rules on the operator's own machine: webhooks on any address, queues of the embedded
 * SQS, and modules in the place of functions. The other services of AWS are not here: records for
 * them are tried again and fail with `rule-target-unserved`.
 */
export function createLocalRuleTargets({
  secrets,
  nowMs,
  requestHandler,
}: {
  readonly secrets: RuleSecrets;
  readonly nowMs: () => number;
  /** Of the embedded SQS. */
  readonly requestHandler: NonNullable<AwsClientOptions['requestHandler']>;
}): RuleTargets {
  const aws = { credentials: localCredentials, requestHandler };
  const { webhook, sqs } = createRuleTargets({
    webhook: { secrets, nowMs, allowPrivate: true },
    aws,
  });
  return {
    ...(webhook === undefined ? {} : { webhook }),
    ...(sqs === undefined ? {} : { sqs: onDemand(sqs, createSqsClient({ ...aws, region })) }),
    lambda: moduleTarget,
  };
}

/** Of the embedded SQS; the region of the ARN makes no difference there. */
const region = 'us-east-1';
/** Names of the service's own queues begin with it: no rule may send there. */
const ownQueuePrefix = 'wisp-';

/** Creates the queue of a rule with its first records, by the name at the end of its ARN. */
function onDemand(sqs: RuleTargetPort, client: SQSClient): RuleTargetPort {
  return {
    maxBatch: sqs.maxBatch,
    async deliver(rule, deliveries) {
      const name = rule.target.kind === 'sqs' ? (rule.target.queueArn.split(':').at(-1) ?? '') : '';
      if (name.startsWith(ownQueuePrefix))
        return deliveries.map(() => ({ kind: 'refused', code: 'rule-target-access' }));
      await client.send(new CreateQueueCommand({ QueueName: name })).catch(() => undefined);
      return sqs.deliver(rule, deliveries);
    },
  };
}

/** Calls the `handler` of a module in this process, with what a function would get as its event. */
const moduleTarget: RuleTargetPort = {
  maxBatch: 1,
  async deliver({ target }, deliveries) {
    const outcomes: DeliveryOutcome[] = [];
    for (const delivery of deliveries)
      outcomes.push(
        target.kind === 'lambda'
          ? await callModule(target.functionArn, delivery)
          : { kind: 'refused', code: 'rule-target-unserved' },
      );
    return outcomes;
  },
};

async function callModule(path: string, { body }: RuleDelivery): Promise<DeliveryOutcome> {
  let event: unknown;
  try {
    event = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return { kind: 'refused', code: 'rule-body-not-json' };
  }
  try {
    const module: unknown = await import(pathToFileURL(path).href);
    if (!hasHandler(module)) return { kind: 'retry', code: 'rule-target-missing' };
    await module.handler(event);
    return { kind: 'delivered' };
  } catch {
    return { kind: 'retry', code: 'rule-target-unavailable' };
  }
}

function hasHandler(module: unknown): module is { handler(event: unknown): unknown } {
  return (
    typeof module === 'object' &&
    module !== null &&
    'handler' in module &&
    typeof module.handler === 'function'
  );
}
