import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import { narrowed, type TenantQuotas } from '../core/quotas.ts';
import type { HttpReasonName } from '../core/reasons.ts';
import { maxPacketBytesOf } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { publishMessages } from '../delivery/publish.ts';
import { encodedLength, reasonCodes } from '../mqtt/index.ts';
import { judgePublish, type Publisher, type PublishRequest } from './judge-publish.ts';

/** What became of one request; codes of 0x80 and above are refusals and come with `code` and `message`. */
export interface PublishResult {
  /** As PUBACK would carry it: 0x00, 0x10 No matching subscribers, 0x87, 0x90, 0x95, 0x97, 0x99. */
  readonly reasonCode: number;
  readonly code?: HttpReasonName;
  readonly message?: string;
}

/** Who publishes without a connection. */
export interface RateBearer {
  /** The client id or subject by which one client's rates are counted; absent: the operator, whom only the tenant's bind. */
  readonly rateName?: string;
}

/**
 * Publishes what comes by another way than a connection, under the rules, limits and quotas that hold for PUBLISH. Each
 * request is judged by itself; those that pass are published together, in their order. Resolves when every copy at QoS 1
 * and 2 is durable. Called again it publishes again.
 */
export async function publishRequests(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  publisher: Publisher & RateBearer,
  requests: readonly PublishRequest[],
): Promise<PublishResult[]> {
  context.log.count(metrics.messagesReceived, requests.length);
  const quotas = narrowed(live.quotas, publisher.quotas);
  const { rateName } = publisher;
  const client =
    rateName === undefined ? {} : { client: { name: `${tenant}/${rateName}`, use: 'local' as const } };
  const results = await publishMessages(context, {
    tenant,
    live,
    requests,
    judge: (request) => judge(context, publisher, quotas, request),
    bearer: { quotas, ...client },
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

function judge(
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
  return {
    kind: 'too-large',
    reasonCode: reasonCodes.packetTooLarge.code,
    code: 'packet-too-large',
    message: `the message makes a packet of more than ${maxBytes} bytes`,
  };
}
