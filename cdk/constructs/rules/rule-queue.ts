import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Grantee } from '../grantee.ts';
import { fifoQueueOfFunction } from '../queue-of-function.ts';
import type { ServiceFunction } from '../service-function.ts';

/** Longest invocation: attempts begin for 15 s, and each takes up to 10. */
export const ruleTimeout = Duration.seconds(30);

/**
 * A queue of records of rules, one for each lane: FIFO, with 64 message groups for each rule and
 * high throughput across groups; and its dead-letter queue, for what no release can read.
 */
export class RuleQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly #variable: string;

  /** @param variable environment variable of whoever sends records. */
  constructor(scope: Construct, id: string, variable: string) {
    super(scope, id);
    this.#variable = variable;
    // The most receives that SQS allows. A record whose target fails leaves the queue long before:
    // only unreadable ones come so far.
    const queues = fifoQueueOfFunction(this, { timeout: ruleTimeout, maxReceiveCount: 1_000 });
    this.queue = queues.queue;
    this.deadLetters = queues.deadLetters;
  }

  /** Allows `target` to send records, and sets the queue's URL. */
  grantSend(target: Grantee): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(this.#variable, this.queue.queueUrl);
  }

  /** Makes `target` deliver records. What is left of a batch returns to the queue alone. */
  deliverTo(target: ServiceFunction, maxConcurrency: number): void {
    target.addEventSource(
      new SqsEventSource(this.queue, { batchSize: 10, reportBatchItemFailures: true, maxConcurrency }),
    );
  }
}
