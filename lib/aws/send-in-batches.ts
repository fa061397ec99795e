import {
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';

/** Entries of one SendMessageBatch (Amazon SQS API Reference). */
const maxBatchEntries = 10;
/**
 * Bytes of one SendMessageBatch that every SQS-compatible queue takes: the bound of SQS before it
 * became 1 MiB.
 */
const maxBatchBytes = 256 * 1024;
/** Immediate attempts at entries that SQS did not take. */
const maxAttempts = 4;

/** SQS took some messages and not others in every attempt. The caller must not acknowledge them. */
class QueueSendError extends Error {
  readonly code = 'queue-send';
  override readonly name = 'QueueSendError';
  constructor(count: number, reason: string | undefined) {
    super(`SQS has not taken ${count} messages: ${reason ?? 'no reason given'}`);
  }
}

/**
 * Characters that JSON and MQTT allow and SQS does not: one of them makes it refuse the whole batch
 * (InvalidMessageContents, Amazon SQS API Reference).
 */
const outsideSqs = /[\ufffe\uffff]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}

/**
 * Sends messages, whose bodies are JSON, in as few requests as possible. Resolves when all are
 * durable. Requests run side by side, but those with messages of one group (`MessageGroupId`) run
 * one after another, and one whose message was not taken holds back the later ones: so messages of
 * a group arrive in their order. Within one request SQS may take a later message and not an earlier
 * one, which then follows it.
 *
 * @throws QueueSendError; some may have been sent.
 */
export async function sendInBatches(
  client: SQSClient,
  queueUrl: string,
  messages: readonly Omit<SendMessageBatchRequestEntry, 'Id'>[],
): Promise<void> {
  const entries = groupsTogether(messages).map(({ MessageBody, ...message }, index) => ({
    ...message,
    MessageBody: MessageBody?.replace(outsideSqs, escaped),
    Id: String(index),
  }));
  const lastOfGroup = new Map<string, Promise<void>>();
  const sends = batches(entries).map((batch) => {
    const groups = new Set(batch.flatMap(({ MessageGroupId }) => MessageGroupId ?? []));
    const earlier = [...groups].flatMap((group) => lastOfGroup.get(group) ?? []);
    const send =
      earlier.length === 0
        ? sendBatch(client, queueUrl, batch)
        : Promise.all(earlier).then(() => sendBatch(client, queueUrl, batch));
    for (const group of groups) lastOfGroup.set(group, send);
    return send;
  });
  await Promise.all(sends);
}

/** Messages of a group beside each other, so that few requests have to wait for others. */
function groupsTogether<Message extends { readonly MessageGroupId?: string | undefined }>(
  messages: readonly Message[],
): readonly Message[] {
  if (messages.length <= maxBatchEntries) return messages;
  const groups = new Map<string | undefined, Message[]>();
  for (const message of messages) {
    const group = groups.get(message.MessageGroupId);
    if (group === undefined) groups.set(message.MessageGroupId, [message]);
    else group.push(message);
  }
  return [...groups.values()].flat();
}

async function sendBatch(
  client: SQSClient,
  queueUrl: string,
  entries: SendMessageBatchRequestEntry[],
): Promise<void> {
  let left = entries;
  for (let attempt = 1; ; attempt += 1) {
    const { Failed = [] } = await client.send(
      new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }),
    );
    if (Failed.length === 0) return;
    if (attempt === maxAttempts) throw new QueueSendError(Failed.length, Failed[0]?.Code);
    const failed = new Set(Failed.map(({ Id }) => Id));
    left = left.filter(({ Id }) => failed.has(Id));
  }
}

function batches(entries: readonly SendMessageBatchRequestEntry[]): SendMessageBatchRequestEntry[][] {
  const found: SendMessageBatchRequestEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const entryBytes = Buffer.byteLength(entry.MessageBody ?? '');
    const last = found.at(-1);
    if (last !== undefined && last.length < maxBatchEntries && bytes + entryBytes <= maxBatchBytes) {
      last.push(entry);
      bytes += entryBytes;
    } else {
      found.push([entry]);
      bytes = entryBytes;
    }
  }
  return found;
}
