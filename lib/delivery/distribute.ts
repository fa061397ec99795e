import type { Context } from '../core/context.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { RuleRecord } from '../core/rules.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { traceTopics } from '../core/traces.ts';
import { countDeliveries, countRuleDeliveries } from '../limits/rates.ts';
import { type Audience, findAudiences } from './audience.ts';
import { type FanOut, fanOut } from './fan-out.ts';
import { type FiredRule, firedRules, sendRecords } from './fire-rules.ts';
import {
  memberId,
  type Parcel,
  Parcels,
  recipientsOf,
  type SharedDelivery,
  sendParcels,
  storeLargeOnce,
} from './parcels.ts';
import { RunProgress } from './run-progress.ts';
import { chooseMember } from './share.ts';

export interface DistributeOptions {
  /** Ids of QoS 2 messages that are published again: QoS 0 copies are not sent a second time. */
  readonly again?: ReadonlySet<string>;
  /** How many times rules have published the messages again. Default 0. */
  readonly hops?: number;
}

/** The messages of one publisher, in their order. */
interface Run {
  readonly messages: readonly Message[];
  readonly again: ReadonlySet<string>;
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
 * Where the process gathers calls (an edge), those that come together and have read the same state
 * of the tenant are made as one. A call is as long and fails as only its own messages demand.
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
  const together = (runs: readonly Run[]): Promise<number[]>[] =>
    distributeRuns(context, tenant, live, runs, hops);
  const run = { messages, again };
  if (context.gatherer === undefined) return together([run])[0] ?? [];
  // Reads for QoS 0 may be older, and cost half.
  const kind = `${hops} ${messages.every(({ qos }) => qos === 0)}`;
  return context.gatherer.gather(live, kind, run, together);
}

/**
 * Delivers runs of several publishers together. What fails before anything is sent is tried again
 * for each run by itself, so that no run fails by another one.
 */
function distributeRuns(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  runs: readonly Run[],
  hops: number,
): Promise<number[]>[] {
  const beginning = begin(context, tenant, live, runs, hops);
  return runs.map(async (run, index) => {
    let begun: readonly Begun[];
    try {
      begun = await beginning;
    } catch (error) {
      if (runs.length === 1) throw error;
      return distributeRuns(context, tenant, live, [run], hops)[0] ?? [];
    }
    await begun[index]?.sent;
    return begun[index]?.counts ?? [];
  });
}

/** A run whose messages are being sent. */
interface Begun {
  readonly counts: number[];
  readonly sent: Promise<void>;
}

/** Matches all runs, then begins to send them. A rejection means that nothing was sent. */
async function begin(
  context: Context,
  tenant: TenantId,
  live: TenantLive,
  runs: readonly Run[],
  hops: number,
): Promise<Begun[]> {
  const audiences = await findAudiences(
    context,
    tenant,
    live,
    runs.map(({ messages }) => messages),
  );
  const parcels = new Parcels(tenant);
  const matched = await Promise.all(
    runs.map((run) => matchRun(context, tenant, parcels, audiences, run, hops)),
  );
  const total = (count: (run: Matched) => number): number =>
    matched.reduce((sum, run) => sum + count(run), 0);
  countDeliveries(
    context,
    tenant,
    live,
    total(({ deliveries }) => deliveries),
  );
  countRuleDeliveries(
    context,
    tenant,
    live,
    total(({ records }) => records.length),
  );
  const progress = runs.length === 1 ? undefined : new RunProgress(runs);
  const divided = progress?.divide(parcels.all) ?? parcels.all;
  const sending = sendAll(context, tenant, storeLargeOnce(context, tenant, divided), progress);
  // Nobody else awaits it, and a publisher that waits for ever would hold its connection.
  if (progress !== undefined) sending.catch((error: unknown) => progress.abandon(error));
  return matched.map(({ counts, records, queued }, index) => ({
    counts,
    sent: settleAll([
      progress === undefined ? sending : progress.sentOf(index),
      records.length === 0 ? undefined : sendRecords(context, records),
      ...queued.map((fanOutOfTopic) => fanOut(context, tenant, live, fanOutOfTopic)),
    ]),
  }));
}

interface Matched {
  readonly counts: number[];
  readonly deliveries: number;
  readonly records: readonly RuleRecord[];
  /** What the fan-out queue serves. */
  readonly queued: readonly FanOut[];
}

async function matchRun(
  context: Context,
  tenant: TenantId,
  parcels: Parcels,
  audiences: ReadonlyMap<string, Audience>,
  { messages, again }: Run,
  hops: number,
): Promise<Matched> {
  const publishedAtMs = context.clock.nowMs();
  const counts: number[] = [];
  let deliveries = 0;
  const records: RuleRecord[] = [];
  const queuedTopics = new Map<string, FanOut>();
  for (const message of messages) {
    const { ordinary, shares, rules, queued } = audiences.get(message.topic) ?? nobody;
    const isAgain = again.has(message.id);
    const recipients = recipientsOf(message, ordinary);
    if (queued === undefined) {
      for (const recipient of recipients) if (recipient.qos > 0 || !isAgain) parcels.add(recipient, message);
    } else if (!queuedTopics.has(message.topic)) {
      const { topic } = message;
      queuedTopics.set(topic, { topic, ...queued, messages: onTopic(messages, topic), again });
    }
    let count = Math.round(recipients.length * (queued?.timesRead ?? 1));
    for (const share of shares)
      if (await addShared(context, tenant, parcels, { message, share, failed: [] }, isAgain)) count += 1;
    deliveries += count;
    const fired =
      rules.length === 0 || isOfTrace(tenant, message)
        ? []
        : firedRules(context, tenant, message, rules, publishedAtMs);
    for (const { name, lane, undecided } of fired) {
      const record = { tenant, rule: name, lane, message, publishedAtMs, hops };
      records.push(undecided === true ? { ...record, undecided } : record);
      count += 1;
    }
    counts.push(count);
    if (message.publisher !== undefined) noteMatched(context, tenant, message, count, fired);
  }
  return { counts, deliveries, records, queued: [...queuedTopics.values()] };
}

/** Waits for all, then rejects with the first error. */
async function settleAll(promises: readonly (Promise<void> | undefined)[]): Promise<void> {
  for (const result of await Promise.allSettled(promises))
    if (result.status === 'rejected') throw result.reason;
}

/** Lines of a trace fire no rules: what a rule publishes could bring about more lines. */
function isOfTrace(tenant: TenantId, { topic }: Message): boolean {
  return topic.startsWith(traceTopics(tenant));
}

function noteMatched(
  { traces }: Context,
  tenant: TenantId,
  { publisher: clientId = '', topic, id }: Message,
  count: number,
  fired: readonly FiredRule[],
): void {
  const key = { tenant, clientId };
  if (!traces.isTraced(key)) return;
  traces.note(key, 'matched', { topic, id, clients: count - fired.length });
  for (const { name: rule } of fired) traces.note(key, 'rule-fired', { topic, id, rule });
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
 *
 * @param progress learns what becomes of parcels; then this rejects by no failure of one. Default:
 *   the first error rejects, after all other parcels have been sent.
 */
async function sendAll(
  context: Context,
  tenant: TenantId,
  first: readonly Parcel[],
  progress?: RunProgress,
): Promise<void> {
  progress?.begin(first);
  progress?.allBegun();
  for (let left = first; left.length > 0; ) {
    const ended = await sendParcels(context, tenant, left, progress);
    const parcels = new Parcels(tenant);
    for (const parcel of ended)
      for (const { message, share, failed } of parcel.shared)
        try {
          const delivery = { message, share, failed: [...failed, memberId({ ...parcel.key, ...parcel })] };
          await addShared(context, tenant, parcels, delivery, false);
        } catch (error) {
          if (progress === undefined) throw error;
          progress.note(parcel, error);
        }
    left = parcels.all;
    progress?.begin(left);
    for (const parcel of ended) progress?.sent(parcel);
  }
}
