import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { ClientKey, TenantLive } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import { effectiveQuotas } from '../core/quotas.ts';
import { countPublished } from '../delivery/publish.ts';
import { deliverToClient, type ToClient } from '../delivery/to-client.ts';
import { quotaRefusals } from '../limits/publish-quotas.ts';
import { countDeliveries } from '../limits/rates.ts';
import { noteRefusal } from '../limits/refusals.ts';
import type { Publisher, PublishRequest } from './judge-publish.ts';
import { judgeRequest } from './publish-requests.ts';

/**
 * Sends a message to one client under the rules, limits and quotas of PUBLISH. It is counted as one
 * message published and one delivered. Nobody else gets it: neither subscribers nor rules.
 *
 * @param name see {@link deliverToClient}.
 */
export async function sendToClient(
  context: Context,
  key: ClientKey,
  live: TenantLive,
  publisher: Publisher,
  request: PublishRequest,
  name?: string,
): Promise<ToClient | PublishRefusal> {
  const { tenant } = key;
  context.log.count(metrics.messagesReceived);
  const quotas = effectiveQuotas(context.settings, live.quotas, publisher.quotas);
  const message = judgeRequest(context, publisher, quotas, request);
  if ('kind' in message) return noted(context, key, request, message);
  const overQuota = (await quotaRefusals(context, tenant, { quotas }, [message])).get(message);
  if (overQuota !== undefined) {
    context.log.count(metrics.publishesOverQuota);
    return noted(context, key, request, overQuota);
  }
  const outcome = await deliverToClient(context, key, message, name);
  if (outcome.kind === 'too-large')
    noteRefusal(context, {
      code: 'client-packet-too-large',
      what: 'delivery',
      tenant,
      clientId: key.clientId,
      topic: request.topic,
    });
  if (outcome.kind === 'sent' || outcome.kind === 'not-sent' || outcome.kind === 'queued') {
    countDeliveries(context, tenant, live, 1);
    countPublished(context, tenant, [message]);
  }
  return outcome;
}

function noted(
  context: Context,
  { tenant, clientId }: ClientKey,
  { topic }: PublishRequest,
  refusal: PublishRefusal,
): PublishRefusal {
  const { code, message: reason } = refusal;
  noteRefusal(context, { code, what: 'publish', tenant, clientId, reason, topic });
  return refusal;
}
