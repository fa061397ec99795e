import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { fanoutQueueVariable } from '../../lib/aws/environment.ts';
import type { StageSettings } from '../settings.ts';
import type { ServiceFunction } from './service-function.ts';

/** Longest that one invocation may work on slices; what is left then goes on in another. */
export const fanoutTimeout = Duration.seconds(30);

/**
 * The queue of slices of fan-outs: FIFO, a group for each topic and range of clients, with the throughput that FIFO queues
 * have where groups are many; and the queue of slices that could not be delivered.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
 */
export class FanoutQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const common = {
      fifo: true,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      // As long as shared messages are kept.
      retentionPeriod: Duration.days(14),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', common);
    this.queue = new Queue(this, 'Queue', {
      ...common,
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
      // Six times the function's time: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(fanoutTimeout.toSeconds() * 6),
      // Going on with a large slice is a receive too; a slice that fails waits longer each time, up to a minute.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 50 },
    });
  }

  /** Lets `target` hand out slices and tells it where. */
  grantSend(target: ServiceFunction): void {
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] }),
    );
    target.addEnvironment(fanoutQueueVariable, this.queue.queueUrl);
  }

  /** Has `target` deliver slices; one that fails is tried again with those behind it in its group, not its whole batch. */
  deliverTo(target: ServiceFunction, settings: StageSettings): void {
    target.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: settings.fanoutMaxConcurrency,
      }),
    );
  }
}
