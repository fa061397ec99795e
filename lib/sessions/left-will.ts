import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, TenantLive, Will } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { publishMessages, takeAsIs } from '../delivery/publish.ts';

/**
 * Discards a Will. Must run before the connection releases its session: a client that reconnects at
 * once would find the Will unsettled and publish it.
 *
 * [MQTT-3.1.2-10 v5]
 */
export async function discardWill(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  if ((await context.wills.get(key, address)) !== undefined) await context.wills.take(key, address);
}

/**
 * Publishes the Will that a connection left. A Will with a delay waits for its timer, at most until
 * the session expires.
 *
 * [MQTT-3.1.2-8 v3+v5, MQTT-3.1.3-9 v5]
 */
export async function settleWill(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  expirySeconds: number,
): Promise<void> {
  const will = await context.wills.get(key, address);
  if (will === undefined) return;
  const delaySeconds = Math.min(will.delaySeconds, expirySeconds);
  if (delaySeconds === 0) return takeAndPublish(context, key, address, will);
  const { tenant, clientId } = key;
  const dueAtMs = context.clock.nowMs() + delaySeconds * 1000;
  await context.timers.schedule({ kind: 'will', tenant, clientId, address }, dueAtMs);
}

/** Publishes the Will of `address` now, if it still exists: its delay has passed. */
export async function publishWillOf(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  const will = await context.wills.get(key, address);
  if (will !== undefined) await takeAndPublish(context, key, address, will);
}

/** Publishes the Wills of an ended session, delayed or not (section 3.1.2.5 of MQTT 5.0). */
export async function publishWillsOfSession(
  context: Context,
  key: ClientKey,
  generation: string,
): Promise<void> {
  for (const left of await context.wills.list(key))
    if (left.generation === generation) await takeAndPublish(context, key, left.address, left.will);
}

/**
 * Settles the Wills that earlier connections of a resumed session have left. A Will with a delay is
 * deleted, since the client is back in time. A Will without one is published: its connection has
 * been taken over, or has ended and the handler that ended it is still running or has died.
 *
 * [MQTT-3.1.3-9 v5]
 */
export async function settleEarlierWills(context: Context, held: Connection): Promise<void> {
  for (const { address, will } of await context.wills.list(held)) {
    if (address === held.address) continue;
    if (will.delaySeconds === 0) await takeAndPublish(context, held, address, will);
    else await context.wills.take(held, address);
  }
}

/**
 * Deletes the row, then publishes. Only the handler that deletes the row publishes, so a Will is
 * published at most once. Where CONNECT had no Will, there is no row. A crash between the two loses
 * the Will. The reverse order could publish it twice, and a late "gone" about a client that is back
 * is worse than none.
 *
 * While the tenant is being deleted, nothing is published: it would be stored for clients that the
 * erasure has passed, and stay.
 *
 * [MQTT-3.1.2-10 v3+v5, MQTT-3.1.2-12 v3]
 */
async function takeAndPublish(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  { message, messageExpirySeconds }: Will,
): Promise<void> {
  if (!(await context.wills.take(key, address))) return;
  const live = await context.tenants.readLive(key.tenant, true);
  if (live === undefined || (await isBeingDeleted(context, key.tenant, live))) return;
  const expiry =
    messageExpirySeconds === undefined
      ? {}
      : { expiresAtMs: context.clock.nowMs() + messageExpirySeconds * 1000 };
  const requests = [{ ...message, ...expiry }];
  await publishMessages(context, { tenant: key.tenant, live, requests, judge: takeAsIs });
}

/** Only the configuration tells a deleted tenant from a suspended one: a read beyond the usual. */
async function isBeingDeleted(context: Context, tenant: TenantId, live: TenantLive): Promise<boolean> {
  return live.status !== 'active' && (await context.tenantData.tenantStatus(tenant)) === 'deleting';
}
