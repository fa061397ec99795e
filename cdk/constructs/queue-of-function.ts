import { Duration } from 'aws-cdk-lib';
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';

interface QueueOfFunction {
  /** Longest invocation of the function. */
  readonly timeout: Duration;
  /** Receives after which a message moves to the dead-letter queue. */
  readonly maxReceiveCount: number;
}

/**
 * A FIFO queue that a function serves, with high throughput across message groups, and its
 * dead-letter queue. Both keep messages for 14 days.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/high-throughput-fifo.html
 */
export function fifoQueueOfFunction(
  scope: Construct,
  { timeout, maxReceiveCount }: QueueOfFunction,
): { readonly queue: Queue; readonly deadLetters: Queue } {
  const common = {
    fifo: true,
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
  };
  const deadLetters = new Queue(scope, 'DeadLetters', common);
  const queue = new Queue(scope, 'Queue', {
    ...common,
    deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
    fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
    // Six times the function's time:
    // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount },
  });
  return { queue, deadLetters };
}
