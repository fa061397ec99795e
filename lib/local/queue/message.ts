import { createHash } from 'node:crypto';

/** A value of `MessageAttributes`, as SendMessage takes it; binary values in base64. */
export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: string;
}

/** One message. The journal stores it as JSON. */
export interface Message {
  readonly messageId: string;
  /** Increases within the service. Orders the messages of a group. */
  readonly sequence: number;
  readonly body: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  readonly sentAtMs: number;
  /** The queue from which it was moved to a dead-letter queue. */
  readonly deadLetterSourceArn?: string;
  /** Milliseconds since 1970. Until then the message is delayed or in flight. */
  visibleAtMs: number;
  receiveCount: number;
  firstReceivedAtMs?: number;
  /** Set while in flight. Each receive creates a new one. */
  receiptHandle?: string;
}

/** A message as SendMessage takes it. */
export interface NewMessage {
  readonly body: string;
  readonly messageAttributes?: Readonly<Record<string, MessageAttribute>>;
  readonly delaySeconds?: number;
  readonly groupId?: string;
  readonly deduplicationId?: string;
}

/** Billed size: body and attributes, in bytes. */
export function sqsMessageBytes({
  body,
  messageAttributes = {},
}: Pick<NewMessage, 'body' | 'messageAttributes'>): number {
  let bytes = Buffer.byteLength(body);
  for (const [name, { DataType, StringValue = '', BinaryValue }] of Object.entries(messageAttributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType);
    bytes +=
      BinaryValue === undefined ? Buffer.byteLength(StringValue) : Buffer.byteLength(BinaryValue, 'base64');
  }
  return bytes;
}

/** FIFO sequence numbers have 20 digits. */
export function sequenceNumber(message: Message): string {
  return `1${String(message.sequence).padStart(19, '0')}`;
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}

/** MD5 over the attributes sorted by name, each part after its length ("SQS message metadata"). */
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

/** System attributes. ReceiveMessage and Lambda events use the same names. */
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
