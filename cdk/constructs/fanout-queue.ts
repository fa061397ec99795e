import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { fanoutQueueVariable } from '../../lib/aws/environment.ts';
import { eventSourceConcurrency } from '../account-quotas.ts';
import type { StageSettings } from '../settings.ts';
import type { Grantee } from './grantee.ts';
import { fifoQueueOfFunction } from './queue-of-function.ts';
import type { ServiceFunction } from './service-function.ts';

/** Longest invocation. Slices that are left continue in another one. */
export const fanoutTimeout = Duration.seconds(30);

/**
 * The queue of fan-out slices: FIFO, with a message group for each topic and range of clients and
 * high throughput across groups; and its dead-letter queue.
 */
export class FanoutQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    // Messages are kept as long as those that slices refer to. Continuing a large slice counts as a
    // receive too. A failed slice backs off up to a minute.
    const queues = fifoQueueOfFunction(this, { timeout: fanoutTimeout, maxReceiveCount: 50 });
    this.queue = queues.queue;
    this.deadLetters = queues.deadLetters;
  }

  /** Allows `target` to send slices, and sets the queue's URL. */
  grantSend(target: Grantee): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(fanoutQueueVariable, this.queue.queueUrl);
  }

  /**
   * Makes `target` deliver slices. A failed one is repeated with those behind it in its group, not
   * the batch.
   */
  deliverTo(target: ServiceFunction, settings: StageSettings): void {
    target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: eventSourceConcurrency(settings, 'fanout', settings.fanoutMaxConcurrency),
      }),
    );
  }
}
