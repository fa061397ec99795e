import {
  AwsError,
  type AwsRequest,
  type AwsResponse,
  inputOf,
  isJsonObject,
  jsonResponse,
  operationOf,
} from '../aws-json.ts';
import type { Clock } from '../clock.ts';
import {
  type Message,
  md5,
  md5OfAttributes,
  sequenceNumber,
  sqsMessageBytes,
  systemAttributes,
} from './message.ts';
import { carriedBytes, countRequest } from './meters.ts';
import type { Queue } from './queue.ts';
import {
  integerParameter,
  maxMessageBytes,
  maxVisibilitySeconds,
  missingParameter,
  newMessageOf,
} from './validate.ts';

export interface ProtocolContext {
  readonly clock: Clock;
  readonly queues: ReadonlyMap<string, Queue>;
  readonly urlOf: (name: string) => string;
  /** @throws RangeError if the name is none. */
  readonly create: (name: string, definition: Record<string, never>) => void;
}

type Input = Readonly<Record<string, unknown>>;
type Operation = (queue: Queue, input: Input, context: ProtocolContext) => unknown;

const maxBatchEntries = 10;

const operations: Readonly<Record<string, Operation>> = {
  SendMessage: (queue, input) => sendMessage(queue, input),
  SendMessageBatch: (queue, input) => {
    const entries = entriesOf(input);
    const totalBytes = entries.reduce((total, entry) => total + sizeOf(queue, entry), 0);
    if (totalBytes > maxMessageBytes) {
      throw new AwsError(
        'BatchRequestTooLong',
        `Batch requests cannot be longer than ${maxMessageBytes} bytes. You have sent ${totalBytes} bytes.`,
      );
    }
    return forEach(entries, (entry) => sendMessage(queue, entry));
  },
  ReceiveMessage: receive,
  DeleteMessage: (queue, input) => remove(queue, input),
  DeleteMessageBatch: (queue, input) => forEach(entriesOf(input), (entry) => remove(queue, entry)),
  ChangeMessageVisibility: (queue, input) => {
    const timeoutSeconds = integerParameter(input, 'VisibilityTimeout', 0, maxVisibilitySeconds, undefined);
    if (timeoutSeconds === undefined) throw missingParameter('VisibilityTimeout');
    if (!queue.changeVisibility(receiptOf(input), timeoutSeconds)) {
      throw new AwsError('MessageNotInflight', 'The message referred to is not in flight.');
    }
    return {};
  },
  GetQueueAttributes: (queue) => {
    const { visible, delayed, inFlight } = queue.counts();
    return {
      Attributes: {
        QueueArn: queue.arn,
        ApproximateNumberOfMessages: String(visible),
        ApproximateNumberOfMessagesDelayed: String(delayed),
        ApproximateNumberOfMessagesNotVisible: String(inFlight),
        VisibilityTimeout: String(queue.definition.visibilityTimeoutSeconds ?? 30),
        ...(queue.isFifo ? { FifoQueue: 'true' } : {}),
      },
    };
  },
};

/** Answers one SQS request of the AWS JSON protocol. Queues cannot be deleted. */
export async function answerSqsRequest(request: AwsRequest, context: ProtocolContext): Promise<AwsResponse> {
  try {
    return jsonResponse(200, await runOperation(request, context));
  } catch (error) {
    return error instanceof AwsError
      ? errorResponse(error)
      : errorResponse(new AwsError('InternalFailure', 'The local queue failed on this request', 500));
  }
}

async function runOperation(request: AwsRequest, context: ProtocolContext): Promise<unknown> {
  const input = inputOf(request);
  if (!input) throw new AwsError('SerializationException', 'The body is no JSON object');
  const name = operationOf(request);
  if (name === 'ListQueues') return { QueueUrls: [...context.queues.keys()].map(context.urlOf) };
  if (name === 'GetQueueUrl') return { QueueUrl: context.urlOf(queueOf(input.QueueName, context).name) };
  if (name === 'CreateQueue') return { QueueUrl: createdQueueUrl(input.QueueName, context) };
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (!operation)
    throw new AwsError('InvalidAction', `The local queue does not know ${name || 'this request'}`);
  if (typeof input.QueueUrl !== 'string') throw missingParameter('QueueUrl');
  const queue = queueOf(input.QueueUrl.split('/').at(-1), context);
  const result = await operation(queue, input, context);
  countRequest(queue.meters, carriedBytes(input) + carriedBytes(result));
  return result;
}

/** The same queue again if there is one. Attributes are ignored: the name tells a FIFO queue. */
function createdQueueUrl(name: unknown, { queues, create, urlOf }: ProtocolContext): string {
  if (typeof name !== 'string') throw missingParameter('QueueName');
  try {
    if (!queues.has(name)) create(name, {});
  } catch {
    throw new AwsError('InvalidParameterValue', 'A queue has a name of 1 to 80 letters, digits, - and _');
  }
  return urlOf(name);
}

function queueOf(name: unknown, { queues }: ProtocolContext): Queue {
  const queue = queues.get(String(name));
  if (!queue) throw new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
  return queue;
}

async function sendMessage(queue: Queue, input: Input): Promise<Record<string, string>> {
  const message = newMessageOf(input, queue);
  const { messageId, sequence } = await queue.send(message);
  return {
    MessageId: messageId,
    MD5OfMessageBody: md5(message.body),
    ...(message.messageAttributes
      ? { MD5OfMessageAttributes: md5OfAttributes(message.messageAttributes) }
      : {}),
    ...(queue.isFifo ? { SequenceNumber: sequenceNumber({ sequence } as Message) } : {}),
  };
}

function sizeOf(queue: Queue, entry: Input): number {
  try {
    return sqsMessageBytes(newMessageOf(entry, queue));
  } catch {
    // An invalid entry fails alone, later.
    return 0;
  }
}

async function receive(queue: Queue, input: Input, { clock }: ProtocolContext): Promise<unknown> {
  const max = integerParameter(input, 'MaxNumberOfMessages', 1, 10, 1);
  const visibilitySeconds = integerParameter(input, 'VisibilityTimeout', 0, maxVisibilitySeconds, undefined);
  const waitSeconds = integerParameter(input, 'WaitTimeSeconds', 0, 20, 0);
  let messages = queue.receive(max, visibilitySeconds);
  if (messages.length === 0 && waitSeconds > 0) {
    messages = await new Promise<Message[]>((resolve) => {
      const end = (found: Message[]) => {
        stopListening();
        cancel();
        resolve(found);
      };
      const cancel = clock.schedule(() => end([]), waitSeconds * 1000);
      const stopListening = queue.onVisible(() => {
        const found = queue.receive(max, visibilitySeconds);
        if (found.length > 0) end(found);
      });
    });
  }
  // SQS omits the member if there are no messages.
  return messages.length === 0 ? {} : { Messages: messages.map((message) => received(message, input)) };
}

function received(message: Message, input: Input): Record<string, unknown> {
  const { MessageSystemAttributeNames, AttributeNames, MessageAttributeNames } = input;
  const wanted = [MessageSystemAttributeNames, AttributeNames].flatMap(strings);
  const attributes = Object.entries(systemAttributes(message)).filter(
    ([name]) => wanted.includes('All') || wanted.includes(name),
  );
  const wantedOwn = strings(MessageAttributeNames);
  const own = Object.entries(message.messageAttributes ?? {}).filter(
    ([name]) => wantedOwn.includes('All') || wantedOwn.includes('.*') || wantedOwn.includes(name),
  );
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(attributes.length === 0 ? {} : { Attributes: Object.fromEntries(attributes) }),
    ...(own.length === 0
      ? {}
      : {
          MessageAttributes: Object.fromEntries(own),
          MD5OfMessageAttributes: md5OfAttributes(Object.fromEntries(own)),
        }),
  };
}

/** Like SQS, succeeds without effect if the receipt is not the latest one. */
function remove(queue: Queue, input: Input): Record<string, never> {
  queue.delete(receiptOf(input));
  return {};
}

function receiptOf(input: Input): string {
  if (typeof input.ReceiptHandle !== 'string' || input.ReceiptHandle === '')
    throw missingParameter('ReceiptHandle');
  return input.ReceiptHandle;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((name) => typeof name === 'string') : [];
}

function entriesOf(input: Input): readonly (Input & { readonly Id: string })[] {
  const entries = Array.isArray(input.Entries) ? input.Entries.filter(isJsonObject) : [];
  if (entries.length === 0) {
    throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  }
  if (entries.length > maxBatchEntries) {
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${maxBatchEntries}. You have sent ${entries.length}.`,
    );
  }
  const ids = entries.map(({ Id }) => Id);
  if (!ids.every((id) => typeof id === 'string' && /^[\w-]{1,80}$/.test(id))) {
    throw new AwsError(
      'InvalidBatchEntryId',
      'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
    );
  }
  if (new Set(ids).size < ids.length) {
    throw new AwsError(
      'BatchEntryIdsNotDistinct',
      'Two or more batch entries in the request have the same Id.',
    );
  }
  return entries as (Input & { readonly Id: string })[];
}

/** Runs all entries. Each succeeds or fails alone. */
async function forEach(
  entries: readonly (Input & { readonly Id: string })[],
  run: (entry: Input) => unknown,
): Promise<unknown> {
  const Successful: unknown[] = [];
  const Failed: unknown[] = [];
  await Promise.all(
    entries.map(async (entry) => {
      try {
        Successful.push({ Id: entry.Id, ...((await run(entry)) as object) });
      } catch (error) {
        const refusal = error instanceof AwsError;
        Failed.push({
          Id: entry.Id,
          Code: refusal ? error.type : 'InternalError',
          Message: refusal ? error.message : 'The local queue failed on this entry',
          SenderFault: refusal,
        });
      }
    }),
  );
  return { Successful, Failed };
}

/** Adds the error code of the older query protocol as a header, which SDKs show as `error.Code`. */
function errorResponse(error: AwsError): AwsResponse {
  const response = error.toResponse();
  const code = error.type === 'QueueDoesNotExist' ? 'AWS.SimpleQueueService.NonExistentQueue' : error.type;
  const fault = error.statusCode < 500 ? 'Sender' : 'Receiver';
  return { ...response, headers: { ...response.headers, 'x-amzn-query-error': `${code};${fault}` } };
}
