import type { Context } from '../core/context.ts';
import type { ClientKey, Connection, ConnectionAddress, Will } from '../core/model.ts';
import { publishMessages, takeAsIs } from '../delivery/publish.ts';

/**
 * Discards a Will [MQTT-3.1.2-10 v5]. Before the connection lets go of its session: a client that is back at once would find the Will of a
 * connection that has ended without settling it, and publish it.
 */
export async function discardWill(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  if ((await context.wills.get(key, address)) !== undefined) await context.wills.take(key, address);
}

/**
 * Publishes the Will that a connection left [MQTT-3.1.2-8 v3+v5]; one with a delay waits for its timer, but no longer
 * than the session lasts [MQTT-3.1.3-9 v5].
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
  if (delaySeconds === 0) return publish(context, key, address, will);
  const { tenant, clientId } = key;
  const dueAtMs = context.clock.nowMs() + delaySeconds * 1000;
  await context.timers.schedule({ kind: 'will', tenant, clientId, address }, dueAtMs);
}

/** Publishes the Will of `address` now, if it is still there: its delay has passed. */
export async function publishWillOf(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
): Promise<void> {
  const will = await context.wills.get(key, address);
  if (will !== undefined) await publish(context, key, address, will);
}

/** A session has ended: the Wills its connections left, delayed or not, are due (section 3.1.2.5 of MQTT 5.0). */
export async function publishWillsOfSession(
  context: Context,
  key: ClientKey,
  generation: string,
): Promise<void> {
  for (const left of await context.wills.list(key))
    if (left.generation === generation) await publish(context, key, left.address, left.will);
}

/**
 * Settles what earlier connections of a session have left when another takes it up: a Will with a delay is not sent, since
 * the client is back in time [MQTT-3.1.3-9 v5]; one without is due, whether its connection has been taken over just now
 * or has ended and whoever ended it is on the way or has died.
 */
export async function settleEarlierWills(context: Context, held: Connection): Promise<void> {
  for (const { address, will } of await context.wills.list(held)) {
    if (address === held.address) continue;
    if (will.delaySeconds === 0) await publish(context, held, address, will);
    else await context.wills.take(held, address);
  }
}

/**
 * Whoever deletes the row publishes, so a Will is published once; where CONNECT had none, there is no row [MQTT-3.1.2-10
 * v3+v5, MQTT-3.1.2-12 v3]. A crash between the two loses the Will. The other order would publish it twice, and
 * a Will that says "gone" about a client that is back is worse than none.
 */
async function publish(
  context: Context,
  key: ClientKey,
  address: ConnectionAddress,
  { message, messageExpirySeconds }: Will,
): Promise<void> {
  if (!(await context.wills.take(key, address))) return;
  const live = await context.tenants.readLive(key.tenant, true);
  if (live === undefined) return;
  const expiry =
    messageExpirySeconds === undefined
      ? {}
      : { expiresAtMs: context.clock.nowMs() + messageExpirySeconds * 1000 };
  const requests = [{ ...message, ...expiry }];
  await publishMessages(context, { tenant: key.tenant, live, requests, judge: takeAsIs });
}
