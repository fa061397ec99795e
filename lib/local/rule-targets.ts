import { pathToFileURL } from 'node:url';
import { createRuleTargets } from '../aws/rule-targets/index.ts';
import { type AwsClientOptions, localCredentials } from '../aws/settings.ts';
import type { RuleSecrets } from '../core/rule-secrets.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort, RuleTargets } from '../rules/target.ts';

/** Queues of the local service for targets `sqs`, by the end of their ARN. */
export const localTargetQueues = ['wisp-rule-target', 'wisp-rule-target.fifo'] as const;

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
  const { webhook, sqs } = createRuleTargets({
    webhook: { secrets, nowMs, allowPrivate: true },
    aws: { credentials: localCredentials, requestHandler },
  });
  return {
    ...(webhook === undefined ? {} : { webhook }),
    ...(sqs === undefined ? {} : { sqs }),
    lambda: moduleTarget,
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
