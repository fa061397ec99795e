import { isJsonObject } from '../aws-json.ts';
import { billedMilliseconds } from '../billing.ts';
import type { Clock } from '../clock.ts';
import { type Message, md5, md5OfAttributes, sqsMessageBytes, systemAttributes } from './message.ts';
import { countRequest } from './meters.ts';
import type { Queue } from './queue.ts';

/** The event of a Lambda function with an SQS event source ("Using Lambda with Amazon SQS"). */
export interface SqsEvent {
  readonly Records: readonly SqsRecord[];
}

export interface SqsRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, SqsRecordAttribute>>;
  readonly md5OfBody: string;
  readonly md5OfMessageAttributes?: string;
  readonly eventSource: 'aws:sqs';
  readonly eventSourceARN: string;
  readonly awsRegion: string;
}

export interface SqsRecordAttribute {
  readonly stringValue?: string;
  readonly binaryValue?: string;
  readonly stringListValues: readonly never[];
  readonly binaryListValues: readonly never[];
  readonly dataType: string;
}

export interface AttachOptions {
  /** Messages per invocation: 1–10,000 (FIFO: 1–10). Default 10. */
  readonly batchSize?: number;
  /**
   * How long messages are gathered for an invocation, 0–300 s, unless the batch is full before.
   * Default 0.
   */
  readonly batchingWindowSeconds?: number;
  /** Bound of concurrent invocations. Default 10. */
  readonly maximumConcurrency?: number;
  /**
   * `ReportBatchItemFailures`: the result names the messages that failed. Without it a batch fails
   * or succeeds as a whole.
   */
  readonly reportBatchItemFailures?: boolean;
  /** Called when an invocation throws. Its messages return after the visibility timeout. */
  readonly onError?: (error: unknown) => void;
}

export type SqsHandler = (event: SqsEvent) => unknown;

export interface Attachment {
  /** Invocations under way. */
  readonly running: number;
  /** Resolves when the current invocations have ended. */
  settled(): Promise<void>;
  /** Starts no more invocations. Resolves when the current ones have ended. */
  detach(): Promise<void>;
}

/**
 * Emulates an event source mapping: invokes the handler with batches of visible messages. One
 * batch is gathered at a time; Lambda has at least five pollers. Deletes messages that succeeded.
 * Failed ones return after their visibility timeout.
 */
export function attachPump(
  queue: Queue,
  awsRegion: string,
  clock: Clock,
  handler: SqsHandler,
  {
    batchSize = 10,
    batchingWindowSeconds = 0,
    maximumConcurrency = 10,
    reportBatchItemFailures = false,
    onError,
  }: AttachOptions,
): Attachment {
  const running = new Set<Promise<void>>();
  let attached = true;
  /** Messages of the next invocation, received during the batching window. */
  let gathered: Message[] = [];
  let cancelWindow = () => {};

  const { meters } = queue;

  const run = async (event: SqsEvent): Promise<unknown> => {
    meters.invocations += 1;
    const startedAtMs = clock.now();
    try {
      return await handler(event);
    } finally {
      meters.billedMs += billedMilliseconds(startedAtMs, clock.now());
    }
  };
  const receive = (max: number): Message[] => {
    const messages = queue.receive(max);
    if (messages.length > 0)
      countRequest(
        meters,
        messages.reduce((total, message) => total + sqsMessageBytes(message), 0),
      );
    return messages;
  };
  const invoke = async (messages: readonly Message[]) => {
    const receipts = new Map(messages.map((message) => [message.messageId, message.receiptHandle ?? '']));
    const event = { Records: messages.map((message) => recordOf(message, queue, awsRegion)) };
    try {
      const answer = await run(event);
      const failed = reportBatchItemFailures ? failedMessages(answer, receipts) : new Set<string>();
      const done = [...receipts].filter(([messageId]) => !failed.has(messageId));
      for (const [, receipt] of done) queue.delete(receipt);
      if (done.length > 0) countRequest(meters, 0);
    } catch (error) {
      onError?.(error);
    }
  };
  const start = () => {
    cancelWindow();
    const messages = gathered;
    gathered = [];
    const invocation = invoke(messages).finally(() => {
      running.delete(invocation);
      pump();
    });
    running.add(invocation);
  };
  const pump = () => {
    while (attached && running.size < maximumConcurrency) {
      const messages = receive(batchSize - gathered.length);
      if (messages.length === 0) return;
      const opens = gathered.length === 0;
      gathered.push(...messages);
      if (batchingWindowSeconds === 0 || gathered.length === batchSize) start();
      else if (opens) cancelWindow = clock.schedule(start, batchingWindowSeconds * 1000);
    }
  };
  const stopListening = queue.onVisible(pump);
  const settled = async () => {
    await Promise.all(running);
  };
  pump();
  return {
    get running() {
      return running.size;
    },
    settled,
    detach() {
      attached = false;
      // What has been gathered becomes visible again, as after a failed invocation.
      cancelWindow();
      stopListening();
      return settled();
    },
  };
}

/**
 * A malformed result fails the whole batch (Lambda developer guide, "Success and failure
 * conditions").
 */
function failedMessages(answer: unknown, receipts: ReadonlyMap<string, string>): Set<string> {
  const failures = isJsonObject(answer) ? (answer.batchItemFailures ?? []) : [];
  const everything = new Set(receipts.keys());
  if (!Array.isArray(failures)) return everything;
  const failed = new Set<string>();
  for (const failure of failures) {
    const id: unknown = isJsonObject(failure) ? failure.itemIdentifier : undefined;
    if (typeof id !== 'string' || !receipts.has(id)) return everything;
    failed.add(id);
  }
  return failed;
}

function recordOf(message: Message, queue: Queue, awsRegion: string): SqsRecord {
  const { messageAttributes = {} } = message;
  const names = Object.entries(messageAttributes);
  return {
    messageId: message.messageId,
    receiptHandle: message.receiptHandle ?? '',
    body: message.body,
    attributes: systemAttributes(message),
    messageAttributes: Object.fromEntries(
      names.map(([name, { DataType, StringValue, BinaryValue }]) => [
        name,
        {
          ...(StringValue === undefined ? {} : { stringValue: StringValue }),
          ...(BinaryValue === undefined ? {} : { binaryValue: BinaryValue }),
          stringListValues: [],
          binaryListValues: [],
          dataType: DataType,
        },
      ]),
    ),
    md5OfBody: md5(message.body),
    ...(names.length === 0 ? {} : { md5OfMessageAttributes: md5OfAttributes(messageAttributes) }),
    eventSource: 'aws:sqs',
    eventSourceARN: queue.arn,
    awsRegion,
  };
}
