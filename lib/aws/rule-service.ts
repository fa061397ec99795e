import type { Context } from '../core/context.ts';
import type { RuleLane } from '../core/rules.ts';
import type { RuleRunContext } from '../rules/run/context.ts';
import { createRuleDefinitions } from '../rules/run/definitions.ts';
import { permitsOf } from '../rules/run/permits.ts';
import { createRepublishTarget } from '../rules/run/republish.ts';
import type { RuleTargets } from '../rules/target.ts';
import {
  EnvironmentError,
  type FunctionEnvironment,
  functionEnvironment,
  ruleQueueVariable,
} from './environment.ts';
import { createEnvironmentService } from './environment-service.ts';
import { createPowertoolsLog } from './log.ts';
import type { RuleService } from './rule-batch.ts';
import { createRuleSecrets } from './rule-secrets.ts';
import type { OwnResources } from './rule-targets/clients.ts';
import { createRuleTargets } from './rule-targets/index.ts';

/**
 * What a worker of rules needs, over the context of the service.
 * @param targets of the lane; republishing is added.
 */
export function ruleRunContext(context: Context, targets: RuleTargets): RuleRunContext {
  const { ruleQueue, ruleDrains } = context;
  if (ruleQueue === undefined || ruleDrains === undefined)
    throw new EnvironmentError(`${ruleQueueVariable} is not set`);
  return {
    ...context,
    ruleQueue,
    ruleDrains,
    definitions: createRuleDefinitions(context),
    targets: { ...targets, republish: createRepublishTarget(context) },
  };
}

/** Composes the service of a function that serves one lane, from its environment. */
export function createRuleService(lane: RuleLane, targets: RuleTargets): RuleService {
  const environment = functionEnvironment(process.env);
  const url = lane === 'kafka' ? environment.kafkaRuleQueueUrl : environment.ruleQueueUrl;
  if (url === undefined) throw new EnvironmentError(`the queue of the lane ${lane} is not set`);
  const log = createPowertoolsLog();
  const { context, sqs, ...rest } = createEnvironmentService(environment, {
    log,
    allowPrivateIssuers: false,
  });
  const { ruleWorkers } = environment;
  const { settings } = context;
  const ruleSlowWorkers =
    ruleWorkers === undefined ? settings.ruleSlowWorkers : permitsOf(settings, ruleWorkers);
  return {
    context: ruleRunContext({ ...context, settings: { ...settings, ruleSlowWorkers } }, targets),
    queue: { client: sqs, url },
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds).unref()),
    async flush() {
      await rest.flush();
      log.flush();
    },
  };
}

let service: RuleService | undefined;

/** The service of the common lane, created at the first batch and kept. */
export function ruleFunctionService(): RuleService {
  const nowMs = Date.now;
  service ??= createRuleService(
    'common',
    createRuleTargets({
      webhook: { secrets: createRuleSecrets(nowMs), nowMs },
      aws: { ownResources: ownResourcesOf(functionEnvironment(process.env)) },
    }),
  );
  return service;
}

/** What the function itself reads and writes, by the names in its environment. */
export function ownResourcesOf(environment: FunctionEnvironment): OwnResources {
  const {
    timerQueueUrl,
    lookQueueUrl,
    fanoutQueueUrl,
    ruleQueueUrl = '',
    kafkaRuleQueueUrl = '',
  } = environment;
  const urls = [timerQueueUrl, lookQueueUrl, fanoutQueueUrl, ruleQueueUrl, kafkaRuleQueueUrl];
  return {
    queues: new Set(urls.map((url) => url.slice(url.lastIndexOf('/') + 1))),
    tables: new Set(Object.values(environment.tables)),
  };
}
