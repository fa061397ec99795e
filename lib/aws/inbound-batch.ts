import type { MessageAttributeValue, SQSClient } from '@aws-sdk/client-sqs';
import { operatorPermissions } from '../admin/publish.ts';
import { type PublishResult, publishRequests } from '../broker/publish-requests.ts';
import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { TenantId } from '../core/tenant-id.ts';
import type { SqsRecord } from './events.ts';
import { returnToQueue } from './fanout-queue.ts';
import {
  type InboundMessage,
  type InboundRefusal,
  inboundMessage,
  inboundRefusal,
} from './inbound-message.ts';
import { sendInBatches } from './send-in-batches.ts';

/** What publishing messages of the inbound queue needs of the service. */
export interface InboundService {
  readonly context: Context;
  readonly sqs: SQSClient;
  readonly queueUrl: string;
  readonly deadLetterUrl: string;
  flush(): Promise<void>;
}

/** Shortest time before a message is tried again, in seconds; doubles with every receive. */
const firstRetrySeconds = 5;
/** Longest time before a message is tried again, in seconds. */
const maxRetrySeconds = 900;
/**
 * Receives after which a message that waits for a quota or a suspended tenant becomes a dead
 * letter: 9 days of the longest back-off. SQS deletes messages after 14 days without a word.
 */
const maxReceives = 900;
/** Message attributes that SQS takes with a message (Amazon SQS Developer Guide). */
const maxAttributes = 10;

type Letter = { readonly record: SqsRecord; readonly message: InboundMessage };
type Verdict =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly why: InboundRefusal }
  /** `isNoted`: the refusal has been counted, as each later one will be. */
  | { readonly kind: 'later'; readonly why: InboundRefusal; readonly isNoted?: true };

/**
 * Publishes a batch of the inbound queue, the messages of each tenant together, with the
 * permissions of the operator: who may send to the queue may publish to every topic that does not
 * begin with `$`, in every tenant. Refused messages go to the dead-letter queue, with the code of
 * the refusal as attribute `reason`. Messages beyond a quota and those of suspended tenants are
 * tried again, with exponential back-off up to 15 minutes.
 *
 * At least once: SQS deletes a message only after its copies are durable. A crash before that
 * repeats the message under the same id, so that at QoS 2 each session and each rule gets it once,
 * as if a client had repeated its PUBLISH; at QoS 1 subscribers may get it twice. A crash after a
 * dead letter was sent leaves it in the dead-letter queue twice.
 *
 * @returns ids of the messages that SQS must keep.
 */
export async function publishInboundBatch(
  service: InboundService,
  records: readonly SqsRecord[],
): Promise<string[]> {
  const { context } = service;
  const verdicts = new Map<SqsRecord, Verdict>();
  const byTenant = new Map<TenantId, Letter[]>();
  for (const record of records) {
    const message = inboundMessage(record);
    if ('code' in message) verdicts.set(record, refusedBy(context, message));
    else byTenant.set(message.tenant, [...(byTenant.get(message.tenant) ?? []), { record, message }]);
  }
  await Promise.all(
    [...byTenant].map(async ([tenant, letters]) => {
      for (const [record, verdict] of await publishOfTenant(context, tenant, letters))
        verdicts.set(record, verdict);
    }),
  );
  const refused = [...verdicts].flatMap(([record, verdict]) => {
    if (verdict.kind === 'done') return [];
    if (verdict.kind === 'refused') return [{ record, why: verdict.why }];
    if (record.receiveCount < maxReceives) return [];
    if (verdict.isNoted !== true) context.log.countRefusal(verdict.why.code);
    return [{ record, why: verdict.why }];
  });
  const isDead = await bury(service, refused);
  const left = records.filter((record) => {
    if (refused.some((one) => one.record === record)) return !isDead;
    return verdicts.get(record)?.kind !== 'done';
  });
  await retryLater(service, left);
  return left.map(({ messageId }) => messageId);
}

/** Publishes messages of one tenant. Each client that they name publishes by itself. */
async function publishOfTenant(
  context: Context,
  tenant: TenantId,
  letters: readonly Letter[],
): Promise<(readonly [SqsRecord, Verdict])[]> {
  const all = (verdict: Verdict) => letters.map(({ record }) => [record, verdict] as const);
  try {
    const live = await context.tenants.readLive(tenant, true);
    if (live === undefined) return all(refusedBy(context, inboundRefusal('tenant-unknown'), letters.length));
    if (live.status !== 'active') return all({ kind: 'later', why: inboundRefusal('tenant-inactive') });
    const byClient = new Map<string | undefined, Letter[]>();
    for (const letter of letters) {
      const { clientId } = letter.message;
      byClient.set(clientId, [...(byClient.get(clientId) ?? []), letter]);
    }
    const verdicts = await Promise.all(
      [...byClient].map(async ([clientId, ofClient]) => {
        if (clientId !== undefined && Buffer.byteLength(clientId) > context.settings.maxClientIdBytes)
          return ofClient.map(
            ({ record }) => [record, refusedBy(context, inboundRefusal('client-id'))] as const,
          );
        const results = await publishRequests(
          context,
          tenant,
          live,
          { permissions: operatorPermissions, ...(clientId === undefined ? {} : { clientId }) },
          ofClient.map(({ message }) => message.request),
          {
            ids: new Map(ofClient.map(({ message }) => [message.request, message.id])),
            again: new Set(
              ofClient
                .filter(({ record, message }) => record.receiveCount > 1 && message.request.qos === 2)
                .map(({ message }) => message.id),
            ),
          },
        );
        return ofClient.map(({ record }, index) => [record, verdictOf(results[index])] as const);
      }),
    );
    return verdicts.flat();
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    context.log.error('messages of the inbound queue failed', { tenant, error: name });
    return all({ kind: 'later', why: inboundRefusal('inbound-failed') });
  }
}

/** Refuses a message before it is published; {@link publishRequests} notes what it refuses. */
function refusedBy({ log }: Context, why: InboundRefusal, count = 1): Verdict {
  log.countRefusal(why.code, count);
  return { kind: 'refused', why };
}

/** Quota exceeded is the one refusal that time changes. */
const quotaExceeded = 0x97;

function verdictOf(result: PublishResult | undefined): Verdict {
  if (result?.code === undefined) return { kind: 'done' };
  const why = { code: result.code, message: result.message ?? '' };
  return result.reasonCode === quotaExceeded
    ? { kind: 'later', why, isNoted: true }
    : { kind: 'refused', why };
}

/** @returns whether the dead-letter queue has the messages; otherwise they stay in the queue. */
async function bury(
  { context, sqs, deadLetterUrl }: InboundService,
  letters: readonly { readonly record: SqsRecord; readonly why: InboundRefusal }[],
): Promise<boolean> {
  if (letters.length === 0) return true;
  try {
    const entries = letters.map(({ record, why }) => ({
      MessageBody: record.body,
      MessageAttributes: attributesOf(record, why),
    }));
    await sendInBatches(sqs, deadLetterUrl, entries);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    context.log.error('the dead-letter queue of the inbound queue takes nothing', { error: name });
    return false;
  }
  context.log.count(metrics.inboundRefused, letters.length);
  for (const { record, why } of letters)
    context.log.warn('a message of the inbound queue is refused', {
      code: why.code,
      message: why.message,
      messageId: record.messageId,
    });
  return true;
}

function attributesOf(
  { messageAttributes = {} }: SqsRecord,
  { code, message }: InboundRefusal,
): Record<string, MessageAttributeValue> {
  const own = Object.entries(messageAttributes)
    .filter(([name, value]) => !(name === 'reason' || name === 'detail') && value !== '')
    .slice(0, maxAttributes - 2);
  return Object.fromEntries(
    [...own, ['reason', code] as const, ['detail', message] as const].map(([name, StringValue]) => [
      name,
      { DataType: 'String', StringValue },
    ]),
  );
}

async function retryLater(
  { context, sqs, queueUrl }: InboundService,
  records: readonly SqsRecord[],
): Promise<void> {
  await Promise.all(
    records.map(async ({ receiptHandle, receiveCount }) => {
      const seconds = Math.min(maxRetrySeconds, firstRetrySeconds * 2 ** Math.min(receiveCount - 1, 10));
      // If this fails, it returns when its visibility timeout ends.
      await returnToQueue(sqs, queueUrl, [receiptHandle], seconds).catch(() =>
        context.log.warn('a message returns late to the inbound queue'),
      );
    }),
  );
}
