import type { Context } from '../core/context.ts';
import type { Message, Will } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import { type EffectiveQuotas, maxPacketBytesOf } from '../core/quotas.ts';
import { refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { messageBytes, type RateAmounts } from '../core/usage.ts';
import { encodedLength } from '../mqtt/index.ts';
import { gaugesFor } from './gauges.ts';
import { type RateBearer, ratesRefusal } from './rates.ts';
import { askForRecount, recountAfterMs } from './recount.ts';

/** Whose quotas apply to a message. */
export interface QuotaBearer extends RateBearer {
  /** Bytes of the messages that {@link bytesRefusal} has counted already. Default 0. */
  readonly countedBytes?: number;
}

/**
 * Checks messages against quotas. Rates admit or refuse the run as a whole, so that a burst keeps
 * its order. Far from the bounds this reads and
 * writes nothing.
 * @returns the refused messages with their reasons.
 */
export async function quotaRefusals(
  context: Context,
  tenant: TenantId,
  bearer: QuotaBearer,
  messages: readonly Message[],
): Promise<ReadonlyMap<Message, PublishRefusal>> {
  const refused = new Map<Message, PublishRefusal>();
  const tooFast =
    messages.length === 0
      ? undefined
      : (deliveriesRefusal(context, tenant, bearer) ?? rateRefusal(context, tenant, bearer, messages));
  if (tooFast !== undefined) {
    for (const message of messages) refused.set(message, tooFast);
    return refused;
  }
  for (const message of messages) {
    if (!message.retain) continue;
    const reason = await retainedRefusal(context, tenant, bearer.quotas, message);
    if (reason !== undefined) refused.set(message, reason);
  }
  return refused;
}

/**
 * Refuses messages while the tenant's earlier ones have had more deliveries, or have fired more
 * rules, than the rates allow. How many subscribers and rules a message has is known only when it
 * is matched, so it is charged then.
 */
function deliveriesRefusal(
  context: Context,
  tenant: TenantId,
  { quotas }: QuotaBearer,
): PublishRefusal | undefined {
  if (!context.usage.mayDeliver(tenant, quotas)) return tooManyDeliveries;
  return context.usage.mayFireRules(tenant, quotas) ? undefined : tooManyRuleDeliveries;
}

function rateRefusal(
  context: Context,
  tenant: TenantId,
  bearer: QuotaBearer,
  messages: readonly Message[],
): PublishRefusal | undefined {
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  const { countedBytes = 0 } = bearer;
  const amounts = { messages: messages.length, bytes: Math.max(0, bytes - countedBytes) };
  return publishesRefusal(context, tenant, bearer, amounts);
}

/**
 * Counts bytes of a packet that is not complete yet against the rates.
 * @returns why they are refused.
 */
export function bytesRefusal(
  context: Context,
  tenant: TenantId,
  bearer: RateBearer,
  bytes: number,
): PublishRefusal | undefined {
  return publishesRefusal(context, tenant, bearer, { bytes });
}

function publishesRefusal(
  context: Context,
  tenant: TenantId,
  bearer: RateBearer,
  amounts: RateAmounts,
): PublishRefusal | undefined {
  const codes = { client: 'client-publish-rate', tenant: 'publish-rate' } as const;
  const tooFast = ratesRefusal(context, tenant, bearer, amounts, codes);
  return tooFast && { kind: 'rate', ...tooFast };
}

/**
 * Checks a Will at CONNECT against packet size and retained quotas. Rates do not apply: nobody
 * knows when, or whether, it will be published.
 */
export async function willRefusal(
  context: Context,
  tenant: TenantId,
  quotas: EffectiveQuotas,
  { message }: Will,
): Promise<PublishRefusal | undefined> {
  const { topic, qos, retain, payload } = message;
  const packet = { cmd: 'publish', topic, qos, retain, payload, dup: false, messageId: 1 } as const;
  if (encodedLength(packet, 5) > maxPacketBytesOf(context.settings, quotas)) return willTooLarge;
  return retainedRefusal(context, tenant, quotas, message);
}

export async function retainedRefusal(
  context: Context,
  tenant: TenantId,
  quotas: EffectiveQuotas,
  message: Message,
): Promise<PublishRefusal | undefined> {
  const adds = message.retain && message.payload.length > 0;
  return adds && (await retainsTooMuch(context, tenant, quotas, message)) ? retainedFull : undefined;
}

async function retainsTooMuch(
  context: Context,
  tenant: TenantId,
  quotas: EffectiveQuotas,
  message: Message,
): Promise<boolean> {
  const { retainedMessages, retainedBytes } = quotas;
  const held = await gaugesFor(context, tenant, quotas, ['retainedMessages', 'retainedBytes']);
  const fits =
    held.retainedMessages < retainedMessages && held.retainedBytes + messageBytes(message) <= retainedBytes;
  if (fits) return false;
  // At the bound, replacing a message is allowed unless it grows beyond the bytes.
  const replaced = await context.retained.get(tenant, message.topic);
  const growth = messageBytes(message) - (replaced === undefined ? 0 : messageBytes(replaced));
  const refused = replaced === undefined || (growth > 0 && held.retainedBytes + growth > retainedBytes);
  if (refused) await askForRecount(context, tenant, recountAfterMs.refusal);
  return refused;
}

const tooManyDeliveries: PublishRefusal = { kind: 'quota', ...refusal('delivery-rate') };
const tooManyRuleDeliveries: PublishRefusal = { kind: 'quota', ...refusal('rule-delivery-rate') };
const retainedFull: PublishRefusal = { kind: 'quota', ...refusal('retained-full') };
const willTooLarge: PublishRefusal = {
  kind: 'too-large',
  ...refusal('packet-too-large', 'quota packetBytes'),
};
