import type { TenantId } from '../auth/tenant-id.ts';
import type { Context } from '../broker/context.ts';
import type { ClientKey, Message, Route, TenantLive } from '../broker/model.ts';
import { findAudiences } from './audience.ts';
import { concurrently } from './concurrently.ts';
import { enqueue, type Queueable } from './enqueue.ts';
import { postAtMostOnce } from './post.ts';
import type { Delivery } from './publish-packet.ts';
import { chooseMember, memberId } from './share.ts';
import { type Share, splitShares, type Target, targetsOf } from './targets.ts';

export interface DistributeOptions {
  /** A second try at a QoS 2 message: those who got it at QoS 0 must not get it again. */
  readonly again?: ReadonlySet<string>;
}

/** A message for one member of a share. */
interface SharedDelivery {
  readonly message: Message;
  readonly share: Share;
  /** Members whose sessions turned out to have ended. */
  readonly failed: readonly string[];
}

/** What one client is to get of a batch of messages, in their order. */
interface Parcel {
  readonly key: ClientKey;
  readonly generation: string;
  readonly atMostOnce: Delivery[];
  readonly queued: Queueable[];
  readonly shared: SharedDelivery[];
}

/**
 * Brings messages to everybody who subscribes to them [MQTT-4.5.0-1 v5]. Resolves when every copy at QoS 1 and 2 is durable, so the
 * publisher may be acknowledged, and one attempt to send each has been made.
 *
 * Messages of one call reach each client in their order. Round trips: one for all matching, one for routes that are
 * not cached, one for all posts; at QoS 1 and 2 numbering and storing come before the post. A member of a share whose
 * session turns out to have ended costs another round: the message goes to the next member.
 *
 * @returns for each message how many clients it was for.
 */
export async function distribute(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
  options: DistributeOptions = {},
): Promise<number[]> {
  if (messages.length === 0) return [];
  const audiences = await findAudiences(context, tenant, live, messages);
  const counts: number[] = [];
  const parcels = new Parcels(tenant);
  for (const message of messages) {
    const { ordinary, shares } = splitShares(audiences.get(message.topic) ?? []);
    const again = options.again?.has(message.id) ?? false;
    const targets = targetsOf(message, ordinary);
    for (const target of targets) if (target.qos > 0 || !again) parcels.add(target, message);
    let count = targets.length;
    for (const share of shares)
      if (await addShared(context, tenant, parcels, { message, share, failed: [] }, again)) count += 1;
    counts.push(count);
  }
  await sendAll(context, tenant, parcels);
  return counts;
}

/** Brings messages to one member each of their shares. */
export async function distributeShared(
  context: Context,
  tenant: TenantId,
  deliveries: readonly SharedDelivery[],
): Promise<void> {
  const parcels = new Parcels(tenant);
  for (const delivery of deliveries) await addShared(context, tenant, parcels, delivery, false);
  await sendAll(context, tenant, parcels);
}

async function addShared(
  context: Context,
  tenant: TenantId,
  parcels: Parcels,
  delivery: SharedDelivery,
  again: boolean,
): Promise<boolean> {
  const { message, share, failed } = delivery;
  const member = await chooseMember(context, tenant, share, message, failed);
  const [target] = member === undefined ? [] : targetsOf(message, [member]);
  if (target === undefined) return false;
  if (target.qos > 0 || !again) parcels.add(target, message, delivery);
  return true;
}

/** Sends until every shared message has found a member that lives, or has none left. */
async function sendAll(context: Context, tenant: TenantId, first: Parcels): Promise<void> {
  for (let parcels = first; parcels.size > 0; ) {
    const ended = await send(context, tenant, parcels.all);
    parcels = new Parcels(tenant);
    for (const parcel of ended)
      for (const { message, share, failed } of parcel.shared) {
        const delivery = { message, share, failed: [...failed, memberId({ ...parcel.key, ...parcel })] };
        await addShared(context, tenant, parcels, delivery, false);
      }
  }
}

class Parcels {
  readonly #tenant: TenantId;
  readonly #byClient = new Map<string, Parcel>();

  constructor(tenant: TenantId) {
    this.#tenant = tenant;
  }

  get size(): number {
    return this.#byClient.size;
  }
  get all(): readonly Parcel[] {
    return [...this.#byClient.values()];
  }

  add(target: Target, message: Message, shared?: SharedDelivery): void {
    const { clientId, generation, retain, subscriptionIdentifiers, qos } = target;
    const id = memberId(target);
    let parcel = this.#byClient.get(id);
    if (parcel === undefined) {
      const key = { tenant: this.#tenant, clientId };
      parcel = { key, generation, atMostOnce: [], queued: [], shared: [] };
      this.#byClient.set(id, parcel);
    }
    if (qos === 0) {
      // [MQTT-4.3.1-1 v3+v5]
      parcel.atMostOnce.push({ message, qos, retain, dup: false, subscriptionIdentifiers });
      return;
    }
    const share = shared === undefined ? {} : { share: shared.share.id };
    parcel.queued.push({ message, qos, retain, subscriptionIdentifiers, ...share });
    if (shared !== undefined) parcel.shared.push(shared);
  }
}

/** @returns the parcels whose session turned out to have ended. */
async function send(context: Context, tenant: TenantId, parcels: readonly Parcel[]): Promise<Parcel[]> {
  const wanted = parcels.filter(({ atMostOnce }) => atMostOnce.length > 0).map(({ key }) => key.clientId);
  const routes =
    wanted.length === 0
      ? new Map<string, Route>()
      : await context.sessions.routes(tenant, [...new Set(wanted)]);
  const ended: Parcel[] = [];
  await concurrently(parcels, context.settings.maxConcurrentPosts, async (parcel) => {
    const { key, generation, atMostOnce, queued } = parcel;
    const route = routes.get(key.clientId);
    const posted =
      atMostOnce.length > 0 && route?.generation === generation
        ? postAtMostOnce(context, key, route, atMostOnce)
        : undefined;
    if (queued.length > 0 && (await enqueue(context, key, generation, queued)) === 'ended')
      ended.push(parcel);
    await posted;
  });
  // Nobody has tidied up behind them: a timer was lost, or a subscription came late.
  for (const { key, generation } of ended) await context.sessionEnded(key, generation);
  return ended;
}
