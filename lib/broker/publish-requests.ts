import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import { effectiveQuotas, maxPacketBytesOf, type TenantQuotas } from '../core/quotas.ts';
import { type HttpReasonName, refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { type Accepted, type Judged, publishMessages } from '../delivery/publish.ts';
import { encodedLength, reasonCodes } from '../mqtt/index.ts';
import { judgePublish, type Publisher, type PublishRequest } from './judge-publish.ts';

/** The result of one request. From 0x80 on it is a refusal, with `code` and `message`. */
export interface PublishResult {
  /** That of PUBACK: 0x00, 0x10 No matching subscribers, 0x82, 0x87, 0x90, 0x95, 0x97, 0x99. */
  readonly reasonCode: number;
  readonly code?: HttpReasonName;
  readonly message?: string;
}

/** A publisher without a connection. */
export interface RateBearer {
  /**
   * The client id or subject whose rates apply; absent for the operator: only the tenant's rates
   * apply.
   */
  readonly rateName?: string;
}

/** Ids of messages that may be published again under the same id. */
export interface Naming {
  readonly ids: ReadonlyMap<PublishRequest, string>;
  /** Ids of QoS 2 messages that may have been published before. */
  readonly again: ReadonlySet<string>;
}

/**
 * Publishes requests that come without a connection (HTTP, the admin API) under the rules, limits
 * and quotas of PUBLISH. Each request is judged by itself; the others are published together, in
 * order. Resolves when every copy at QoS 1 and 2 is durable. Not idempotent: a repeated call
 * publishes again, but with `naming` each session and rule gets a QoS 2 message once.
 *
 * @returns one result per request.
 */
export async function publishRequests(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  publisher: Publisher & RateBearer,
  requests: readonly PublishRequest[],
  naming?: Naming,
): Promise<PublishResult[]> {
  context.log.count(metrics.messagesReceived, requests.length);
  const quotas = effectiveQuotas(context.settings, live.quotas, publisher.quotas);
  const { rateName } = publisher;
  const client =
    rateName === undefined ? {} : { client: { name: `${tenant}/${rateName}`, use: 'local' as const } };
  const results = await publishMessages<PublishRequest>(context, {
    tenant,
    live,
    requests,
    judge: (request) => judgeRequest(context, publisher, quotas, request),
    bearer: { quotas, ...client },
    ...(naming === undefined ? {} : { accept: async (judged) => named(judged, naming) }),
  });
  const { success, noMatchingSubscribers } = reasonCodes;
  return results.map((result) => {
    if ('refusal' in result) {
      const { reasonCode, code, message } = result.refusal;
      return { reasonCode, code, message };
    }
    return { reasonCode: result.subscribers === 0 ? noMatchingSubscribers.code : success.code };
  });
}

function named(judged: readonly Judged<PublishRequest>[], { ids, again }: Naming): Accepted {
  const messages = new Map<Message, Message>();
  for (const one of judged)
    if ('message' in one)
      messages.set(one.message, { ...one.message, id: ids.get(one.request) ?? one.message.id });
  return { messages, again };
}

/** Judges a request that comes without a connection, its size included. */
export function judgeRequest(
  context: Context,
  publisher: Publisher,
  quotas: TenantQuotas,
  request: PublishRequest,
): Message | PublishRefusal {
  const verdict = judgePublish(context, publisher, request);
  if ('kind' in verdict) return verdict;
  const bytes = encodedLength({ cmd: 'publish', dup: false, ...request, messageId: 1 }, 5);
  const maxBytes = maxPacketBytesOf(context.settings, quotas);
  if (bytes <= maxBytes) return verdict;
  return { ...refusal('packet-too-large', `${maxBytes} bytes`), kind: 'too-large' };
}
