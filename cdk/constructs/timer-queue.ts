import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { timerQueueVariable } from '../../lib/aws/environment.ts';
import type { StageSettings } from '../settings.ts';
import type { ServiceFunction } from './service-function.ts';

/** Longest that one timer invocation may take. */
export const timerTimeout = Duration.seconds(30);

/**
 * The queue of timers: a standard queue (FIFO queues take no delay per message) whose messages come due up to
 * 15 minutes after they were sent, and the queue of those that could not be handled.
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
      // Six times the function's time, so that a message is not handed out again while Lambda still retries:
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(timerTimeout.toSeconds() * 6),
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 5 },
    });
  }

  /** Lets `target` set timers and tells it where. */
  grantSend(target: ServiceFunction): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(timerQueueVariable, this.queue.queueUrl);
  }

  /** Has `target` handle timers that come due; one that fails is tried again alone, not its whole batch. */
  deliverTo(target: ServiceFunction, settings: StageSettings): void {
    target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: settings.timerMaxConcurrency,
      }),
    );
  }
}
