import type { Context } from '../core/context.ts';
import type { Connection, Message, RateUse, Will } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import type { TenantQuotas } from '../core/quotas.ts';
import { maxPacketBytesOf } from '../core/quotas.ts';
import { refusal } from '../core/reasons.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { messageBytes } from '../core/usage.ts';
import { encodedLength } from '../mqtt/index.ts';
import { askForRecount, recountAfterMs } from './recount.ts';

/** Whose quotas apply to a message. */
export interface QuotaBearer {
  /** The tenant's quotas, narrowed by the client's token. */
  readonly quotas: TenantQuotas;
  /**
   * The client whose rates apply; absent: only the tenant's rates apply. `name` is unique across
   * tenants, `use` is `local` for a client without a connection.
   */
  readonly client?: { readonly name: string; readonly use: RateUse | undefined | 'local' };
  /** Bytes of the messages that {@link bytesRefusal} has counted already. Default 0. */
  readonly countedBytes?: number;
}

/**
 * Checks messages against quotas. Rates admit or refuse the run as a whole, so that a burst keeps
 * its order. Without quotas this reads and writes nothing.
 * @returns the refused messages with their reasons.
 */
export async function quotaRefusals(
  context: Context,
  tenant: TenantId,
  bearer: QuotaBearer,
  messages: readonly Message[],
): Promise<ReadonlyMap<Message, PublishRefusal>> {
  const refused = new Map<Message, PublishRefusal>();
  const tooFast = messages.length === 0 ? undefined : rateRefusal(context, tenant, bearer, messages);
  if (tooFast !== undefined) {
    for (const message of messages) refused.set(message, tooFast);
    return refused;
  }
  for (const message of messages) {
    const reason = await retainedRefusal(context, tenant, bearer.quotas, message);
    if (reason !== undefined) refused.set(message, reason);
  }
  return refused;
}

function rateRefusal(
  context: Context,
  tenant: TenantId,
  bearer: QuotaBearer,
  messages: readonly Message[],
): PublishRefusal | undefined {
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  const { countedBytes = 0 } = bearer;
  const publishes = { messages: messages.length, bytes: Math.max(0, bytes - countedBytes) };
  return ratesRefusal(context, tenant, bearer, publishes);
}

/**
 * Counts bytes of a packet that is not complete yet against the rates.
 * @returns why they are refused.
 */
export function bytesRefusal(
  context: Context,
  tenant: TenantId,
  bearer: QuotaBearer,
  bytes: number,
): PublishRefusal | undefined {
  return ratesRefusal(context, tenant, bearer, { messages: 0, bytes });
}

/** Checks the client's rates first: what they refuse takes nothing from the tenant's. */
function ratesRefusal(
  { usage, clock }: Context,
  tenant: TenantId,
  { quotas, client }: QuotaBearer,
  publishes: { readonly messages: number; readonly bytes: number },
): PublishRefusal | undefined {
  if (client !== undefined && hasClientRate(quotas)) {
    const { name, use } = client;
    if (!usage.clientRates.admits(name, quotas, use, publishes, clock.nowMs())) return clientTooFast;
  }
  if (!hasTenantRate(quotas) || usage.admits(tenant, quotas, publishes.messages, publishes.bytes))
    return undefined;
  return tenantTooFast;
}

/**
 * Writes a client's rate use to its connection's row, once enough is unwritten. If another process
 * has written meanwhile, the use is kept for the next frame, which reads that write.
 */
export async function writeRateUse(
  context: Context,
  { address, rateUse }: Connection,
  quotas: TenantQuotas,
): Promise<void> {
  if (!hasClientRate(quotas)) return;
  const { clientRates } = context.usage;
  const due = clientRates.due(address, rateUse, context.clock.nowMs());
  if (due === undefined) return;
  if (await context.connections.setRateUse(address, due, rateUse)) clientRates.written(address, due);
}

/**
 * Checks a Will at CONNECT against packet size and retained quotas. Rates do not apply: nobody
 * knows when, or whether, it will be published.
 */
export async function willRefusal(
  context: Context,
  tenant: TenantId,
  quotas: TenantQuotas,
  { message }: Will,
): Promise<PublishRefusal | undefined> {
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
): Promise<PublishRefusal | undefined> {
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
  // At the bound, replacing a message is allowed unless it grows beyond the bytes.
  const replaced = await context.retained.get(tenant, message.topic);
  const growth = messageBytes(message) - (replaced === undefined ? 0 : messageBytes(replaced));
  const refused =
    replaced === undefined ||
    (growth > 0 && held.retainedBytes + growth > (retainedBytes ?? Number.POSITIVE_INFINITY));
  if (refused) await askForRecount(context, tenant, recountAfterMs.refusal);
  return refused;
}

function hasTenantRate({ publishesPerSecond, publishBytesPerSecond }: TenantQuotas): boolean {
  return publishesPerSecond !== undefined || publishBytesPerSecond !== undefined;
}

function hasClientRate(quotas: TenantQuotas): boolean {
  const { publishesPerSecondPerClient, publishBytesPerSecondPerClient } = quotas;
  return publishesPerSecondPerClient !== undefined || publishBytesPerSecondPerClient !== undefined;
}

const tenantTooFast: PublishRefusal = { kind: 'rate', ...refusal('publish-rate') };
const clientTooFast: PublishRefusal = { kind: 'rate', ...refusal('client-publish-rate') };
const retainedFull: PublishRefusal = { kind: 'quota', ...refusal('retained-full') };
const willTooLarge: PublishRefusal = {
  kind: 'too-large',
  ...refusal('packet-too-large', 'quota packetBytes'),
};
