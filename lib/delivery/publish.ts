import type { Context } from '../core/context.ts';
import { metrics } from '../core/metrics.ts';
import type { Message, TenantLive } from '../core/model.ts';
import type { PublishRefusal } from '../core/publish-refusal.ts';
import type { TenantId } from '../core/tenant-id.ts';
import { messageBytes } from '../core/usage.ts';
import { type QuotaBearer, quotaRefusals } from '../limits/publish-quotas.ts';
import { noteRefusal, type RefusalNote } from '../limits/refusals.ts';
import { distribute } from './distribute.ts';
import { beyondBudget, beyondMatching, createMatchBudget, type MatchBudget } from './match-budget.ts';
import { storeRetained } from './retained.ts';

interface Topical {
  readonly topic: string;
}

/** Who publishes what, under which rules. */
export interface Publication<Request extends Topical> {
  readonly tenant: TenantId;
  readonly live: TenantLive;
  /** In their order. */
  readonly requests: readonly Request[];
  /** Makes the message of a request, or refuses it. */
  readonly judge: (request: Request) => Message | PublishRefusal;
  /** Whose quotas apply; absent: none. */
  readonly bearer?: QuotaBearer;
  /** Who has sent the messages, for the log of refusals; absent: Wisp itself, or the operator. */
  readonly source?: Pick<RefusalNote, 'clientId' | 'connection'>;
  /** How many times rules have published the messages again; absent: never. */
  readonly hops?: number;
  /** Set for events of Wisp itself: only those that somebody or a rule gets count as published. */
  readonly countedIfReceived?: true;
  /** The Queries that matching may take; absent: those of one frame. */
  readonly budget?: MatchBudget;
  /** Whether a refusal ends the run, so that the requests behind it are ignored. Default: never. */
  readonly endsRun?: (refusal: PublishRefusal, request: Request) => boolean;
  /**
   * Called once with the judged requests, before anything is stored or sent: QoS 2 messages that
   * are sent again get the id of the first time here. Default: every message passes unchanged.
   */
  readonly accept?: (judged: readonly Judged<Request>[]) => Promise<Accepted>;
}

/** A request after judgement: its message, or why it is refused. */
export type Judged<Request> =
  | { readonly request: Request; readonly message: Message }
  | { readonly request: Request; readonly refusal: PublishRefusal };

export interface Accepted {
  /** Messages to publish, by the message that was judged. Equal ids are published once. */
  readonly messages: ReadonlyMap<Message, Message>;
  /** Ids that may have been distributed before; QoS 0 copies of them are not sent a second time. */
  readonly again: ReadonlySet<string>;
}

/** What became of a request. */
export type PublishResult<Request> =
  | { readonly request: Request; readonly refusal: PublishRefusal }
  /** `subscribers`: see {@link distribute}; undefined when `accept` has withheld the message. */
  | { readonly request: Request; readonly subscribers: number | undefined };

/**
 * The one way to publish: PUBLISH packets, HTTP requests, Wills and presence all pass here. Only
 * messages to one client, which fire no rules, do not (lib/broker/send-to-client.ts). Resolves when
 * every copy at QoS 1 and 2 is durable, and every record of a rule.
 *
 * A crash at any step leaves the publisher without an acknowledgement. Repeating the call is safe
 * at QoS 2 if `accept` gives the messages their earlier ids; otherwise subscribers may get them
 * twice.
 *
 * @returns one result per request, up to the refusal that ends the run.
 */
export async function publishMessages<Request extends Topical>(
  context: Context,
  publication: Publication<Request>,
): Promise<PublishResult<Request>[]> {
  const { tenant, live, accept = acceptAll, hops = 0 } = publication;
  const judged = withinBudget(
    context,
    publication,
    await withinQuotas(context, publication, judgeAll(publication)),
  );
  noteRefused(context, publication, judged);
  const accepted = await accept(judged);
  const messages = withoutDuplicates(accepted.messages.values());
  if (messages.some(({ retain }) => retain)) await storeRetained(context, tenant, messages);
  for (const message of messages) noteAdmitted(context, tenant, message);
  const counts = await distribute(context, tenant, live, messages, { again: accepted.again, hops });
  const isCounted = (index: number): boolean => publication.countedIfReceived !== true || counts[index] !== 0;
  countPublished(
    context,
    tenant,
    messages.filter((_, index) => isCounted(index)),
  );
  return resultsOf(judged, accepted, new Map(messages.map(({ id }, index) => [id, counts[index] ?? 0])));
}

function noteAdmitted({ traces }: Context, tenant: TenantId, message: Message): void {
  const { publisher: clientId, topic, qos, retain, id } = message;
  if (clientId === undefined) return;
  traces.note({ tenant, clientId }, 'admitted', { ...{ topic, qos, id }, ...(retain ? { retain } : {}) });
}

/**
 * For {@link Publication.judge}: publishes messages that Wisp itself has made or has judged before.
 */
export function takeAsIs(message: Message): Message {
  return message;
}

function judgeAll<Request extends Topical>({
  requests,
  judge,
  endsRun,
}: Publication<Request>): Judged<Request>[] {
  const judged: Judged<Request>[] = [];
  for (const request of requests) {
    const verdict = judge(request);
    if (!('kind' in verdict)) {
      judged.push({ request, message: verdict });
      continue;
    }
    judged.push({ request, refusal: verdict });
    if (endsRun?.(verdict, request)) break;
  }
  return judged;
}

async function withinQuotas<Request extends Topical>(
  context: Context,
  { tenant, bearer, endsRun }: Publication<Request>,
  judged: readonly Judged<Request>[],
): Promise<readonly Judged<Request>[]> {
  if (bearer === undefined) return judged;
  const refused = await quotaRefusals(context, tenant, bearer, messagesOf(judged));
  if (refused.size === 0) return judged;
  context.log.count(metrics.publishesOverQuota, refused.size);
  return without(judged, refused, endsRun);
}

function withinBudget<Request extends Topical>(
  context: Context,
  { live, budget = createMatchBudget(context.settings), endsRun }: Publication<Request>,
  judged: readonly Judged<Request>[],
): readonly Judged<Request>[] {
  const beyond = beyondBudget(budget, live, messagesOf(judged));
  if (beyond.size === 0) return judged;
  context.log.count(metrics.publishesOverQuota, beyond.size);
  return without(judged, new Map([...beyond].map((message) => [message, beyondMatching])), endsRun);
}

/** Replaces messages by their refusals, up to one that ends the run. */
function without<Request extends Topical>(
  judged: readonly Judged<Request>[],
  refused: ReadonlyMap<Message, PublishRefusal>,
  endsRun: Publication<Request>['endsRun'],
): readonly Judged<Request>[] {
  const allowed: Judged<Request>[] = [];
  for (const one of judged) {
    const refusal = 'message' in one ? refused.get(one.message) : undefined;
    allowed.push(refusal === undefined ? one : { request: one.request, refusal });
    if (refusal !== undefined && endsRun?.(refusal, one.request)) break;
  }
  return allowed;
}

/** Notes refused messages, those of one code together. */
function noteRefused<Request extends Topical>(
  context: Context,
  { tenant, source }: Publication<Request>,
  judged: readonly Judged<Request>[],
): void {
  const notes = new Map<string, RefusalNote & { readonly count: number }>();
  for (const one of judged) {
    if (!('refusal' in one)) continue;
    const { code, message: reason } = one.refusal;
    const { topic } = one.request;
    const { count } = notes.get(code) ?? { count: 0 };
    notes.set(code, { ...source, tenant, code, what: 'publish', reason, topic, count: count + 1 });
  }
  for (const note of notes.values()) noteRefusal(context, note);
}

async function acceptAll(judged: readonly Judged<unknown>[]): Promise<Accepted> {
  return { messages: new Map(messagesOf(judged).map((message) => [message, message])), again: new Set() };
}

function withoutDuplicates(messages: Iterable<Message>): Message[] {
  const byId = new Map<string, Message>();
  for (const message of messages) if (!byId.has(message.id)) byId.set(message.id, message);
  return [...byId.values()];
}

/** Counts messages in the usage of the tenant. */
export function countPublished({ usage }: Context, tenant: TenantId, messages: readonly Message[]): void {
  const bytesIn = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  if (messages.length > 0) usage.count(tenant, { messagesIn: messages.length, bytesIn });
}

function resultsOf<Request>(
  judged: readonly Judged<Request>[],
  { messages }: Accepted,
  countById: ReadonlyMap<string, number>,
): PublishResult<Request>[] {
  return judged.map((one) => {
    if ('refusal' in one) return one;
    const published = messages.get(one.message);
    return {
      request: one.request,
      subscribers: published === undefined ? undefined : countById.get(published.id),
    };
  });
}

function messagesOf(judged: readonly Judged<unknown>[]): Message[] {
  return judged.flatMap((one) => ('message' in one ? [one.message] : []));
}
