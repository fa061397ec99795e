import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { lookQueueVariable, timerQueueVariable } from '../../lib/aws/environment.ts';
import { eventSourceConcurrency } from '../account-quotas.ts';
import type { StageSettings } from '../settings.ts';
import type { Grantee } from './grantee.ts';
import type { ServiceFunction } from './service-function.ts';

/** Longest invocation of the timer function. */
export const timerTimeout = Duration.seconds(30);

/**
 * The queues of timers and of looks at connections: standard queues, because FIFO queues have no
 * delay per message, of up to 15 minutes; and their dead-letter queue.
 */
export class TimerQueue extends Construct {
  readonly queue: Queue;
  /** Looks at connections, which may be late so that they can be merged: lib/aws/timers.ts. */
  readonly looks: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.deadLetters = new Queue(this, 'DeadLetters', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    const timers = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // Six times the function's timeout, so that a message is not received again while Lambda
      // retries:
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(timerTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    };
    this.queue = new Queue(this, 'Queue', timers);
    this.looks = new Queue(this, 'Looks', timers);
  }

  /** Allows `target` to schedule timers, and sets the queue's URL. */
  grantSend(target: Grantee): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(timerQueueVariable, this.queue.queueUrl);
  }

  /** Allows `target` to schedule looks at connections, and sets the URL of their queue. */
  grantSendLooks(target: Grantee): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.looks.queueArn] }),
    );
    target.addEnvironment(lookQueueVariable, this.looks.queueUrl);
  }

  /**
   * Makes `target` handle timers that are due. A failed one is repeated alone, not with its batch.
   */
  deliverTo(target: ServiceFunction, settings: StageSettings): void {
    const source = {
      batchSize: 10,
      reportBatchItemFailures: true,
      // Half for each queue, but an event source has at least two.
      maxConcurrency: Math.max(
        2,
        Math.floor(eventSourceConcurrency(settings, 'timer', settings.timerMaxConcurrency) / 2),
      ),
    };
    target.addEventSource(new SqsEventSource(this.queue, source));
    target.addEventSource(
      new SqsEventSource(this.looks, {
        ...source,
        maxBatchingWindow: Duration.seconds(settings.lookBatchingWindowSeconds),
      }),
    );
  }
}
