import type { Context } from '../core/context.ts';
import { messageBytes } from '../core/message-bytes.ts';
import type { Connection, Message, RateUse, Will } from '../core/model.ts';
import type { TenantQuotas } from '../core/quotas.ts';
import type { HttpReasonName } from '../core/reasons.ts';
import { maxPacketBytesOf } from '../core/session-rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { encodedLength, reasonCodes } from '../mqtt/index.ts';
import { askForRecount, recountAfterMs } from './recount.ts';

/** Why quotas refuse a message. */
export interface QuotaRefusal {
  readonly reasonCode: number;
  readonly code: HttpReasonName;
  readonly message: string;
  /** Whether it comes too fast, and may come again later. */
  readonly isRate: boolean;
}

/** Whose messages are judged. */
export interface QuotaBearer {
  readonly tenant: TenantId;
  /** As they hold for this client, its token included. */
  readonly quotas: TenantQuotas;
  /** Whose own rates count; absent where no client publishes. `use` is `local` where it has no connection. */
  readonly client?: { readonly name: string; readonly use: RateUse | undefined | 'local' };
}

/**
 * Judges messages against quotas, in order. The rates hold for the whole run at once: a burst is admitted
 * or refused as it came, so that order is kept. Where no quota is set this reads and writes nothing.
 */
export async function quotaRefusals(
  context: Context,
  bearer: QuotaBearer,
  messages: readonly Message[],
): Promise<Map<string, QuotaRefusal>> {
  const { tenant, quotas } = bearer;
  const refused = new Map<string, QuotaRefusal>();
  const tooFast = messages.length === 0 ? undefined : rateRefusal(context, bearer, messages);
  if (tooFast !== undefined) {
    for (const message of messages) refused.set(message.id, tooFast);
    return refused;
  }
  for (const message of messages) {
    const refusal = await retainedRefusal(context, tenant, quotas, message);
    if (refusal !== undefined) refused.set(message.id, refusal);
  }
  return refused;
}

/** The client's own rates first, so that what it sends too fast takes nothing from its tenant's. */
function rateRefusal(
  context: Context,
  { tenant, quotas, client }: QuotaBearer,
  messages: readonly Message[],
): QuotaRefusal | undefined {
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  const publishes = { messages: messages.length, bytes };
  const { usage, clock } = context;
  if (
    client !== undefined &&
    !usage.clientRates.admits(client.name, quotas, client.use, publishes, clock.nowMs())
  )
    return clientTooFast;
  return usage.admits(tenant, quotas, messages.length, bytes) ? undefined : tenantTooFast;
}

/**
 * Writes what a client has used of its rates, where enough has come together. Whoever finds that somebody else has written
 * meanwhile keeps it for the next frame, which reads what they wrote.
 */
export async function writeRateUse(context: Context, { address, rateUse }: Connection): Promise<void> {
  const { clientRates } = context.usage;
  const due = clientRates.due(address, rateUse, context.clock.nowMs());
  if (due === undefined) return;
  if (await context.connections.setRateUse(address, due, rateUse)) clientRates.written(address, due);
}

/**
 * What of a Will quotas refuse, at CONNECT: one that would be too large, or retained beyond what the tenant may. Rates do not
 * count: when, and whether, it is published is open.
 */
export async function willRefusal(
  context: Context,
  { tenant, quotas }: QuotaBearer,
  { message }: Will,
): Promise<QuotaRefusal | undefined> {
  const { topic, qos, retain, payload } = message;
  const packet = { cmd: 'publish', topic, qos, retain, payload, dup: false, messageId: 1 } as const;
  if (encodedLength(packet, 5) > maxPacketBytesOf(context.settings, quotas)) return willTooLarge;
  return retainedRefusal(context, tenant, quotas, message);
}

async function retainedRefusal(
  context: Context,
  tenant: TenantId,
  quotas: TenantQuotas,
  message: Message,
): Promise<QuotaRefusal | undefined> {
  const adds = message.retain && message.payload.length > 0;
  return adds && (await retainsTooMuch(context, tenant, quotas, message)) ? retainedFull : undefined;
}

async function retainsTooMuch(
  context: Context,
  tenant: TenantId,
  { retainedMessages, retainedBytes }: TenantQuotas,
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
  const growth = messageBytes(message) - (replaced === undefined ? 0 : messageBytes(replaced));
  const refused =
    replaced === undefined ||
    (growth > 0 && held.retainedBytes + growth > (retainedBytes ?? Number.POSITIVE_INFINITY));
  if (refused) await askForRecount(context, tenant, recountAfterMs.refusal);
  return refused;
}

const { code: quotaExceeded } = reasonCodes.quotaExceeded;

const tenantTooFast: QuotaRefusal = {
  reasonCode: quotaExceeded,
  code: 'publish-rate',
  message: 'the tenant publishes more than it may (publishesPerSecond, publishBytesPerSecond)',
  isRate: true,
};
const clientTooFast: QuotaRefusal = {
  reasonCode: quotaExceeded,
  code: 'client-publish-rate',
  message:
    'the client publishes more than it may (publishesPerSecondPerClient, publishBytesPerSecondPerClient)',
  isRate: true,
};
const willTooLarge: QuotaRefusal = {
  reasonCode: reasonCodes.packetTooLarge.code,
  code: 'packet-too-large',
  message: 'it makes a larger packet than the client may send (packetBytes)',
  isRate: false,
};
const retainedFull: QuotaRefusal = {
  reasonCode: quotaExceeded,
  code: 'retained-full',
  message: 'the tenant retains as much as it may (retainedMessages, retainedBytes)',
  isRate: false,
};
