import type { Context } from '../core/context.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { findAudiences } from './audience.ts';
import { fanOut } from './fan-out.ts';
import { type Parcel, Parcels, type SharedDelivery, sendParcels } from './parcels.ts';
import { chooseMember, memberId } from './share.ts';
import { keepLargeOnce } from './shared-messages.ts';
import { targetsOf } from './targets.ts';

export interface DistributeOptions {
  /** A second try at a QoS 2 message: those who got it at QoS 0 must not get it again. */
  readonly again?: ReadonlySet<string>;
}

/**
 * Brings messages to everybody who subscribes to them [MQTT-4.5.0-1 v5]. Resolves when every copy at QoS 1 and 2 is durable, so the
 * publisher may be acknowledged, and one attempt to send each has been made; of a large audience, when the fan-out queue
 * has its slices.
 *
 * Messages of one call reach each client in their order. Round trips: one for all matching, one for routes that are
 * not cached, one for all posts; at QoS 1 and 2 numbering and storing come before the post. A member of a share whose
 * session turns out to have ended costs another round: the message goes to the next member.
 *
 * @returns for each message how many clients it was for; of a large audience, how many had been counted.
 */
export async function distribute(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
  { again = none }: DistributeOptions = {},
): Promise<number[]> {
  if (messages.length === 0) return [];
  const audiences = await findAudiences(context, tenant, live, messages);
  const counts: number[] = [];
  const parcels = new Parcels(tenant);
  for (const message of messages) {
    const { ordinary, shares, queued } = audiences.get(message.topic) ?? { ordinary: [], shares: [] };
    const isAgain = again.has(message.id);
    const targets = targetsOf(message, ordinary);
    if (queued === undefined)
      for (const target of targets) if (target.qos > 0 || !isAgain) parcels.add(target, message);
    let count = targets.length;
    for (const share of shares)
      if (await addShared(context, tenant, parcels, { message, share, failed: [] }, isAgain)) count += 1;
    counts.push(count);
  }
  await Promise.all([
    sendAll(context, tenant, keepLargeOnce(context, tenant, parcels.all)),
    ...[...audiences].map(([topic, { queued }]) =>
      queued === undefined
        ? undefined
        : fanOut(context, tenant, live, { topic, ...queued, messages: onTopic(messages, topic), again }),
    ),
  ]);
  return counts;
}

const none: ReadonlySet<string> = new Set();

function onTopic(messages: readonly Message[], topic: string): Message[] {
  return messages.filter((message) => message.topic === topic);
}

/** Brings messages to one member each of their shares. */
export async function distributeShared(
  context: Context,
  tenant: TenantId,
  deliveries: readonly SharedDelivery[],
): Promise<void> {
  const parcels = new Parcels(tenant);
  for (const delivery of deliveries) await addShared(context, tenant, parcels, delivery, false);
  await sendAll(context, tenant, parcels.all);
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
async function sendAll(context: Context, tenant: TenantId, first: readonly Parcel[]): Promise<void> {
  for (let left = first; left.length > 0; ) {
    const ended = await sendParcels(context, tenant, left);
    const parcels = new Parcels(tenant);
    for (const parcel of ended)
      for (const { message, share, failed } of parcel.shared) {
        const delivery = { message, share, failed: [...failed, memberId({ ...parcel.key, ...parcel })] };
        await addShared(context, tenant, parcels, delivery, false);
      }
    left = parcels.all;
  }
}
