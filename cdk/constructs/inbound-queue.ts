import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { inboundDeadLettersVariable, inboundQueueVariable } from '../../lib/aws/environment.ts';
import { eventSourceConcurrency } from '../account-quotas.ts';
import type { StageSettings } from '../settings.ts';
import { ServiceFunction } from './service-function.ts';

/** Longest invocation. */
const timeout = Duration.seconds(30);
/** Concurrent invocations, so that a flood in the queue leaves concurrency for clients. */
const maxConcurrency = 10;

/**
 * The queue whose messages become publishes (docs/inbound.md), its dead-letter queue, and the
 * function that publishes. Nobody may send to the queue but those whom the account lets: sending is
 * permission to publish in every tenant.
 */
export class InboundQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly worker: ServiceFunction;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    const common = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    };
    this.deadLetters = new Queue(this, 'DeadLetters', common);
    this.queue = new Queue(this, 'Queue', {
      ...common,
      // Six times the function's time:
      // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
      visibilityTimeout: Duration.seconds(timeout.toSeconds() * 6),
      // The function itself gives a message up after 900 receives: lib/aws/inbound-batch.ts.
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: 1_000 },
    });
    this.worker = new ServiceFunction(this, 'Function', settings, {
      name: 'inbound',
      description: 'Messages of the inbound queue',
      timeout,
    });
    this.worker.addToRolePolicy(
      new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.deadLetters.queueArn] }),
    );
    this.worker.addEnvironment(inboundQueueVariable, this.queue.queueUrl);
    this.worker.addEnvironment(inboundDeadLettersVariable, this.deadLetters.queueUrl);
    this.worker.addEventSource(
      new SqsEventSource(this.queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        // An event source has at least two.
        maxConcurrency: Math.max(2, eventSourceConcurrency(settings, 'inbound', maxConcurrency)),
      }),
    );
  }
}
