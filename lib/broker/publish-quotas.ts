import type { TenantId } from '../auth/tenant-id.ts';
import { messageBytes } from '../delivery/message-bytes.ts';
import { reasonCodes } from '../mqtt/index.ts';
import type { Context } from './context.ts';
import type { Message, TenantLive } from './model.ts';

/** Why a tenant's quotas refuse a message. */
export interface QuotaRefusal {
  readonly reasonCode: number;
  readonly code: string;
  readonly message: string;
}

/**
 * Judges messages against the tenant's quotas, in order. The rates hold for the whole run at once: a burst is admitted
 * or refused as it came, so that order is kept. Where no quota is set this reads and writes nothing.
 */
export async function quotaRefusals(
  context: Context,
  tenant: TenantId,
  { quotas }: TenantLive,
  messages: readonly Message[],
): Promise<Map<string, QuotaRefusal>> {
  const refused = new Map<string, QuotaRefusal>();
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  if (!context.usage.admits(tenant, quotas, messages.length, bytes)) {
    for (const message of messages) refused.set(message.id, tooFast);
    return refused;
  }
  for (const message of messages) {
    if (quotas.messageBytes !== undefined && messageBytes(message) > quotas.messageBytes)
      refused.set(message.id, tooLarge);
    else if (
      message.retain &&
      message.payload.length > 0 &&
      (await retainsTooMuch(context, tenant, quotas, message))
    )
      refused.set(message.id, retainedFull);
  }
  return refused;
}

async function retainsTooMuch(
  context: Context,
  tenant: TenantId,
  { retainedMessages, retainedBytes }: TenantLive['quotas'],
  message: Message,
): Promise<boolean> {
  if (retainedMessages === undefined && retainedBytes === undefined) return false;
  const held = await context.usage.gauges(tenant);
  const fits =
    held.retainedMessages < (retainedMessages ?? Number.POSITIVE_INFINITY) &&
    held.retainedBytes + messageBytes(message) <= (retainedBytes ?? Number.POSITIVE_INFINITY);
  if (fits) return false;
  // Replacing a message is allowed at the bound, unless it makes the tenant hold more bytes than it may.
  const replaced = await context.retained.get(tenant, message.topic);
  if (replaced === undefined) return true;
  const growth = messageBytes(message) - messageBytes(replaced);
  return growth > 0 && held.retainedBytes + growth > (retainedBytes ?? Number.POSITIVE_INFINITY);
}

const tooFast: QuotaRefusal = {
  reasonCode: reasonCodes.quotaExceeded.code,
  code: 'publish-rate',
  message: 'the tenant publishes more than it may',
};
const tooLarge: QuotaRefusal = {
  reasonCode: reasonCodes.quotaExceeded.code,
  code: 'message-too-large',
  message: 'the message is larger than the tenant may publish',
};
const retainedFull: QuotaRefusal = {
  reasonCode: reasonCodes.quotaExceeded.code,
  code: 'retained-full',
  message: 'the tenant retains as much as it may',
};
