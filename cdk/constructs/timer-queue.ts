import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { timerQueueVariable } from '../../lib/aws/environment.ts';
import { eventSourceConcurrency } from '../account-quotas.ts';
import type { StageSettings } from '../settings.ts';
import type { ServiceFunction } from './service-function.ts';

/** Longest invocation of the timer function. */
export const timerTimeout = Duration.seconds(30);

/**
 * The queue of timers: a standard queue, because FIFO queues have no delay per message, of up to 15
 * minutes; and its dead-letter queue.
 */
export class TimerQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    this.queue = new Queue(this, 'Queue', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Six times the function's timeout, so that a message is not received again while Lambda
      // retries:
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(timerTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
  }

  /** Allows `target` to schedule timers, and sets the queue's URL. */
  grantSend(target: ServiceFunction): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(timerQueueVariable, this.queue.queueUrl);
  }

  /**
   * Makes `target` handle timers that are due. A failed one is repeated alone, not with its batch.
   */
  deliverTo(target: ServiceFunction, settings: StageSettings): void {
    target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: eventSourceConcurrency(settings, 'timer'),
      }),
    );
  }
}
