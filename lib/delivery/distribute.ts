import type { Context } from '../core/context.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { RuleRecord } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { countDeliveries, countRuleDeliveries } from '../limits/rates.ts';
import { type Audience, findAudiences } from './audience.ts';
import { fanOut } from './fan-out.ts';
import { firedRules, sendRecords } from './fire-rules.ts';
import {
  memberId,
  type Parcel,
  Parcels,
  recipientsOf,
  type SharedDelivery,
  sendParcels,
  storeLargeOnce,
} from './parcels.ts';
import { chooseMember } from './share.ts';

export interface DistributeOptions {
  /** Ids of QoS 2 messages that are published again: QoS 0 copies are not sent a second time. */
  readonly again?: ReadonlySet<string>;
  /** How many times rules have published the messages again. Default 0. */
  readonly hops?: number;
}

/**
 * Delivers messages to all their subscribers. Resolves when every copy at QoS 1 and 2 is durable,
 * so that the publisher may be acknowledged, and one attempt to send each has been made. Of a large
 * audience it resolves when the fan-out queue holds its slices, and for rules when the rule queue
 * holds their records.
 *
 * Messages of one call reach each client in their order. Round trips: one for all matching, one for
 * uncached routes, one for all posts; at QoS 1 and 2 numbering and storing precede the post. If the
 * chosen member of a share has ended its session, another round sends the message to the next
 * member.
 * [MQTT-4.5.0-1 v5]
 *
 * The deliveries, and the records of rules, count against the tenant's rates before they are made.
 *
 * @returns the number of recipients of each message, rules among them; of a large audience, about
 *   how many.
 */
export async function distribute(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  messages: readonly Message[],
  { again = none, hops = 0 }: DistributeOptions = {},
): Promise<number[]> {
  if (messages.length === 0) return [];
  const audiences = await findAudiences(context, tenant, live, messages);
  const publishedAtMs = context.clock.nowMs();
  const counts: number[] = [];
  let deliveries = 0;
  const records: RuleRecord[] = [];
  const parcels = new Parcels(tenant);
  for (const message of messages) {
    const { ordinary, shares, rules, queued } = audiences.get(message.topic) ?? nobody;
    const isAgain = again.has(message.id);
    const recipients = recipientsOf(message, ordinary);
    if (queued === undefined)
      for (const recipient of recipients) if (recipient.qos > 0 || !isAgain) parcels.add(recipient, message);
    let count = Math.round(recipients.length * (queued?.timesRead ?? 1));
    for (const share of shares)
      if (await addShared(context, tenant, parcels, { message, share, failed: [] }, isAgain)) count += 1;
    deliveries += count;
    const fired = rules.length === 0 ? rules : firedRules(context, tenant, message, rules, publishedAtMs);
    for (const { name, lane } of fired) {
      records.push({ tenant, rule: name, lane, message, publishedAtMs, hops });
      count += 1;
    }
    counts.push(count);
  }
  countDeliveries(context, tenant, live, deliveries);
  countRuleDeliveries(context, tenant, live, records.length);
  await Promise.all([
    records.length === 0 ? undefined : sendRecords(context, records),
    sendAll(context, tenant, storeLargeOnce(context, tenant, parcels.all)),
    ...[...audiences].map(([topic, { queued }]) =>
      queued === undefined
        ? undefined
        : fanOut(context, tenant, live, { topic, ...queued, messages: onTopic(messages, topic), again }),
    ),
  ]);
  return counts;
}

const none: ReadonlySet<string> = new Set();
const nobody: Audience = { ordinary: [], shares: [], rules: [] };

function onTopic(messages: readonly Message[], topic: string): Message[] {
  return messages.filter((message) => message.topic === topic);
}

/** Delivers messages to one member each of their shares. */
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
  const [recipient] = member === undefined ? [] : recipientsOf(message, [member]);
  if (recipient === undefined) return false;
  if (recipient.qos > 0 || !again) parcels.add(recipient, message, delivery);
  return true;
}

/**
 * Sends parcels until each shared message has a member whose session lives, or no member is left.
 */
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
