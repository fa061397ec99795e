import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import {
  kafkaRuleQueueVariable,
  ruleQueueVariable,
  ruleWorkersVariable,
} from '../../../lib/aws/environment.ts';
import { eventSourceConcurrency } from '../../account-quotas.ts';
import { mskClusterOf, type RuleSettings, targetActionOf } from '../../rule-settings.ts';
import type { StageSettings } from '../../settings.ts';
import { routeTimeout } from '../gateway.ts';
import type { Grantee } from '../grantee.ts';
import { ServiceFunction } from '../service-function.ts';
import { placeInVpc } from './kafka-network.ts';
import { RuleQueue, ruleTimeout } from './rule-queue.ts';

/** A lane: its queue, and the function that delivers what is in it. */
interface Lane {
  readonly name: 'rule' | 'ruleKafka';
  readonly queue: RuleQueue;
  readonly worker: ServiceFunction;
}

/** Messages leave by rules: a lane for all targets, and one for Kafka, whose client is large. */
export class Rules extends Construct {
  readonly common: Lane;
  readonly kafka: Lane | undefined;
  /** Serves rules of tenants' users over HTTP. */
  readonly ownRules: ServiceFunction;
  readonly #settings: StageSettings;
  readonly #rules: RuleSettings;

  constructor(scope: Construct, id: string, settings: StageSettings, rules: RuleSettings) {
    super(scope, id);
    this.#settings = settings;
    this.#rules = rules;
    // A rule that republishes may fire others, three times at the most; and a worker that drains
    // what waits sends itself the next request.
    const common = { timeout: ruleTimeout, recursiveLoop: RecursiveLoop.ALLOW };
    this.common = {
      name: 'rule',
      queue: new RuleQueue(this, 'Records', ruleQueueVariable),
      worker: new ServiceFunction(scope, 'Rule', settings, {
        name: 'rule',
        description: 'Deliveries of rules',
        ...common,
      }),
    };
    this.ownRules = new ServiceFunction(scope, 'OwnRules', settings, {
      name: 'ownRules',
      description: "Rules of tenants' users",
      timeout: routeTimeout,
    });
    if (rules.kafka === undefined) return;
    this.kafka = {
      name: 'ruleKafka',
      queue: new RuleQueue(this, 'Kafka', kafkaRuleQueueVariable),
      worker: new ServiceFunction(scope, 'RuleKafka', settings, {
        name: 'ruleKafka',
        description: 'Deliveries of rules to Kafka',
        ...common,
      }),
    };
  }

  get lanes(): readonly Lane[] {
    return [this.common, this.kafka].flatMap((lane) => lane ?? []);
  }

  /** What rules may have as targets, for `wisp doctor`: kinds that need no ARN, and ARNs. */
  get reachable(): string {
    const kinds = ['webhook', 'republish', ...(this.kafka === undefined ? [] : ['kafka'])];
    return [...kinds, ...this.#rules.targetArns].join(',');
  }

  /** Allows `target` to send records to all queues. */
  grantSend(target: Grantee): void {
    for (const { queue } of this.lanes) queue.grantSend(target);
  }

  /** Lets the functions reach their targets, and the queues call the functions. */
  deliver(): void {
    const { targetArns, maxConcurrency, kafka } = this.#rules;
    for (const arn of targetArns) allow(this.common.worker, targetActionOf(arn), arn);
    for (const { name, queue, worker } of this.lanes) {
      const workers = eventSourceConcurrency(this.#settings, name, maxConcurrency);
      queue.deliverTo(worker, workers);
      worker.addEnvironment(ruleWorkersVariable, String(workers));
    }
    if (kafka === undefined || this.kafka === undefined) return;
    const { worker } = this.kafka;
    if (kafka.vpc !== undefined) placeInVpc(worker, kafka.vpc);
    const clusters = new Set(kafka.mskTopicArns.map(mskClusterOf));
    for (const cluster of clusters) allow(worker, 'kafka-cluster:Connect', cluster);
    for (const topic of kafka.mskTopicArns) {
      allow(worker, 'kafka-cluster:DescribeTopic', topic);
      allow(worker, 'kafka-cluster:WriteData', topic);
    }
  }
}

/** @throws TypeError for an ARN that cdk/read-rule-settings.ts refuses. */
function allow(target: Grantee, action: string | undefined, arn: string | undefined): void {
  if (action === undefined || arn === undefined) throw new TypeError(`rules cannot send to ${arn}`);
  target.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [arn] }));
}
