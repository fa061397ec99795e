import { createRequestHandler, type Listener, type RequestHandler, serveAwsJson } from '../aws-json.ts';
import { type Clock, systemClock } from '../clock.ts';
import { Journal, type MessageStore } from './journal.ts';
import type { QueueMeters } from './meters.ts';
import { answerSqsRequest } from './protocol.ts';
import { type Attachment, type AttachOptions, attachPump, type SqsHandler } from './pump.ts';
import { Queue, type QueueCounts, type QueueDefinition } from './queue.ts';
import { maxDelaySeconds, maxVisibilitySeconds } from './validate.ts';

export interface QueueServiceOptions<Name extends string = string> {
  /** Definitions by name. A name that ends in `.fifo` is a FIFO queue. */
  readonly queues: Readonly<Record<Name, QueueDefinition>>;
  readonly clock?: Clock;
  /** Keeps messages across restarts. Default: in memory. */
  readonly store?: MessageStore;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** Default `000000000000`. */
  readonly accountId?: string;
}

export interface QueueService<Name extends string = string> {
  readonly names: readonly Name[];
  /** The `requestHandler` of `@aws-sdk/client-sqs`: calls the queues without TCP. */
  readonly requestHandler: RequestHandler;
  /** The `QueueUrl` for clients. Only its last segment matters, so it works over TCP too. */
  urlOf(name: Name): string;
  /** Invokes a function with the queue's messages, like an event source mapping. */
  attach(name: Name, handler: SqsHandler, options?: AttachOptions): Attachment;
  counts(name: Name): QueueCounts;
  /** A copy of the current counters. */
  meters(name: Name): QueueMeters;
  /**
   * Resolves when no invocation is under way; messages that are delayed or hidden are not waited
   * for.
   */
  idle(): Promise<void>;
  /** Serves other processes over HTTP. Default: 127.0.0.1 and a free port. */
  listen(host?: string, port?: number): Promise<Listener>;
  /** Starts no more invocations. Waits for those under way and for pending writes. */
  close(): Promise<void>;
}

/**
 * SQS in this process: message operations, event source mappings, and queues that clients create.
 * Such a queue has the settings of SQS's defaults, and lasts as long as it has messages.
 */
export async function openQueueService<Name extends string>({
  queues: definitions,
  clock = systemClock,
  store,
  region = 'us-east-1',
  accountId = '000000000000',
}: QueueServiceOptions<Name>): Promise<QueueService<Name>> {
  const journal = new Journal(store);
  const saved = await journal.load();
  const queues = new Map<string, Queue>();
  // Greater than all stored sequence numbers and all that an earlier process used.
  let sequence = clock.now() * 1000;
  for (const message of [...saved.messages.values()].flat()) sequence = Math.max(sequence, message.sequence);
  const context = {
    clock,
    journal,
    nextSequence: () => {
      sequence += 1;
      return sequence;
    },
    deadLetterQueue: (name: string) => queues.get(name),
  };
  const create = (name: string, definition: QueueDefinition): void => {
    checkDefinition(name, definition, definitions);
    const queue = new Queue(name, `arn:aws:sqs:${region}:${accountId}:${name}`, definition, context);
    queue.restore(saved.messages.get(name) ?? [], saved.duplicates.get(name) ?? new Map());
    queues.set(name, queue);
  };
  for (const [name, definition] of Object.entries<QueueDefinition>(definitions)) create(name, definition);
  // Queues that were created in an earlier process and still have messages.
  for (const name of saved.messages.keys()) if (!queues.has(name)) create(name, {});

  const urlOf = (name: string) => `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
  const requestHandler = createRequestHandler((request) =>
    answerSqsRequest(request, { clock, queues, urlOf, create }),
  );
  const attachments = new Set<Attachment>();
  const listeners = new Set<Listener>();
  const queueOf = (name: string) => {
    const queue = queues.get(name);
    if (!queue) throw new Error(`there is no queue ${name}`);
    return queue;
  };
  const idle = async () => {
    const busy = () => [...attachments].filter(({ running }) => running > 0);
    for (let pumps = busy(); pumps.length > 0; pumps = busy()) {
      await Promise.all(pumps.map((pump) => pump.settled()));
    }
  };

  return {
    names: Object.keys(definitions) as Name[],
    requestHandler,
    urlOf,
    attach(name, handler, options = {}) {
      if (name.endsWith('.fifo') && (options.batchSize ?? 10) > 10) {
        throw new RangeError(`Queue ${name}: a batch of a FIFO queue has at most 10 messages`);
      }
      const attachment = attachPump(queueOf(name), region, clock, handler, options);
      attachments.add(attachment);
      return attachment;
    },
    counts: (name) => queueOf(name).counts(),
    meters: (name) => ({ ...queueOf(name).meters }),
    idle,
    async listen(host, port) {
      const listener = await serveAwsJson(requestHandler, host, port);
      listeners.add(listener);
      return listener;
    },
    async close() {
      await Promise.all([...listeners].map((listener) => listener.close()));
      await Promise.all([...attachments].map((attachment) => attachment.detach()));
      for (const queue of queues.values()) queue.close();
      await journal.flush();
    },
  };
}

function checkDefinition(
  name: string,
  { delaySeconds = 0, visibilityTimeoutSeconds = 30, deadLetter }: QueueDefinition,
  all: Readonly<Record<string, QueueDefinition>>,
): void {
  const complain = (problem: string) => {
    throw new RangeError(`Queue ${name}: ${problem}`);
  };
  if (!/^[\w-]{1,75}(\.fifo)?$/.test(name)) complain('a name has at most 80 letters, digits, - and _');
  if (delaySeconds < 0 || delaySeconds > maxDelaySeconds) complain(`delaySeconds is 0–${maxDelaySeconds}`);
  if (visibilityTimeoutSeconds < 0 || visibilityTimeoutSeconds > maxVisibilitySeconds) {
    complain(`visibilityTimeoutSeconds is 0–${maxVisibilitySeconds}`);
  }
  if (!deadLetter) return;
  if (!Object.hasOwn(all, deadLetter.queue)) complain(`there is no dead-letter queue ${deadLetter.queue}`);
  if (deadLetter.queue.endsWith('.fifo') !== name.endsWith('.fifo')) {
    complain('a FIFO queue has a FIFO dead-letter queue, a standard queue a standard one');
  }
  if (!(deadLetter.maxReceiveCount >= 1)) complain('maxReceiveCount is at least 1');
}
