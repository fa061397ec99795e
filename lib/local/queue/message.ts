import { createHash } from 'node:crypto';

/** A value of `MessageAttributes`, as SendMessage takes it; binary values in base64. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

/** One message, as JSON also on disk. */
export interface Message {
  readonly messageId: string;
  /** Increases within the service: order within a group, and age. */
  readonly sequence: number;
  readonly body: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly sentAtMs: number;
  /** Queue that it was moved from to a dead-letter queue. */
  readonly deadLetterSourceArn?: string;
  /** Delayed or in flight until then. */
  visibleAtMs: number;
  receiveCount: number;
  firstReceivedAtMs?: number;
  /** Set while in flight; each receive makes another. */
  receiptHandle?: string;
}

/** FIFO sequence numbers have 20 digits. */
export function sequenceNumber(message: Message): string {
  return `1${String(message.sequence).padStart(19, '0')}`;
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/** MD5 of attributes: name, type and value with their lengths, sorted by name ("SQS message metadata"). */
export function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string {
  const hash = createHash('md5');
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).toSorted()) {
    const { DataType = '', StringValue, BinaryValue } = attributes[name] ?? {};
    field(Buffer.from(name));
    field(Buffer.from(DataType));
    hash.update(Buffer.from([BinaryValue === undefined ? 1 : 2]));
    field(BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64'));
  }
  return hash.digest('hex');
}

/** System attributes, by the names that ReceiveMessage and Lambda events share. */
export function systemAttributes(message: Message): Record<string, string> {
  return {
    ApproximateReceiveCount: String(message.receiveCount),
    SentTimestamp: String(message.sentAtMs),
    SenderId: 'AIDALOCAL',
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs ?? message.sentAtMs),
    ...(message.groupId === undefined ? {} : { MessageGroupId: message.groupId }),
    ...(message.deduplicationId === undefined
      ? {}
      : { MessageDeduplicationId: message.deduplicationId, SequenceNumber: sequenceNumber(message) }),
    ...(message.deadLetterSourceArn === undefined
      ? {}
      : { DeadLetterQueueSourceArn: message.deadLetterSourceArn }),
  };
}
