import type { TenantId } from '../auth/tenant-id.ts';
import type { Context } from '../broker/context.ts';
import type { ClientKey, Message, Route, TenantLive } from '../broker/model.ts';
import { findAudiences } from './audience.ts';
import { concurrently } from './concurrently.ts';
import { enqueue, type Queueable } from './enqueue.ts';
import { postAtMostOnce } from './post.ts';
import type { Delivery } from './publish-packet.ts';
import { chooseMembers } from './share.ts';
import { splitShares, type Target, targetsOf } from './targets.ts';

export interface DistributeOptions {
  /** A second try at a QoS 2 message: those who got it at QoS 0 must not get it again. */
  readonly again?: ReadonlySet<string>;
}

/** What one client is to get of a batch of messages, in their order. */
interface Parcel {
  readonly key: ClientKey;
  readonly generation: string;
  readonly atMostOnce: Delivery[];
  readonly queued: Queueable[];
}

/**
 * Brings messages to everybody who subscribes to them. Resolves when every copy at QoS 1 and 2 is durable, so the
 * publisher may be acknowledged, and one attempt to send each has been made.
 *
 * Messages of one call reach each client in their order. Round trips: one for all matching, one for routes that are
 * not cached, one for all posts; at QoS 1 and 2 numbering and storing come before the post.
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
  const byClient = new Map<string, Parcel>();
  for (const message of messages) {
    const { ordinary, shares } = splitShares(audiences.get(message.topic) ?? []);
    const members = await chooseMembers(context, tenant, shares, message);
    const targets = [
      ...targetsOf(message, ordinary),
      ...members.flatMap((member) => targetsOf(message, [member])),
    ];
    counts.push(targets.length);
    for (const target of targets) {
      if (target.qos === 0 && options.again?.has(message.id)) continue;
      assign(byClient, tenant, target, message);
    }
  }
  await send(context, tenant, [...byClient.values()]);
  return counts;
}

function assign(byClient: Map<string, Parcel>, tenant: TenantId, target: Target, message: Message): void {
  const id = `${target.generation}\0${target.clientId}`;
  let parcel = byClient.get(id);
  if (parcel === undefined) {
    const key = { tenant, clientId: target.clientId };
    parcel = { key, generation: target.generation, atMostOnce: [], queued: [] };
    byClient.set(id, parcel);
  }
  const { retain, subscriptionIdentifiers } = target;
  if (target.qos === 0)
    parcel.atMostOnce.push({ message, qos: 0, retain, dup: false, subscriptionIdentifiers });
  else parcel.queued.push({ message, qos: target.qos, retain, subscriptionIdentifiers });
}

async function send(context: Context, tenant: TenantId, shares: readonly Parcel[]): Promise<void> {
  const wanted = shares.filter((parcel) => parcel.atMostOnce.length > 0).map((parcel) => parcel.key.clientId);
  const routes =
    wanted.length === 0
      ? new Map<string, Route>()
      : await context.sessions.routes(tenant, [...new Set(wanted)]);
  await concurrently(shares, context.settings.maxConcurrentPosts, async (parcel) => {
    const route = routes.get(parcel.key.clientId);
    const pushes: Promise<unknown>[] = [];
    if (parcel.atMostOnce.length > 0 && route?.generation === parcel.generation)
      pushes.push(postAtMostOnce(context, parcel.key, route, parcel.atMostOnce));
    if (parcel.queued.length > 0) pushes.push(enqueue(context, parcel.key, parcel.generation, parcel.queued));
    await Promise.all(pushes);
  });
}
