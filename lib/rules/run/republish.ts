import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Message } from '../../core/model.ts';
import { effectiveQuotas } from '../../core/quotas.ts';
import type { Rule, RuleTarget } from '../../core/rules.ts';
import { publishMessages, takeAsIs } from '../../delivery/publish.ts';
import { retainedRefusal } from '../../limits/publish-quotas.ts';
import { renderTopic } from '../envelope.ts';
import type { DeliveryOutcome, RuleDelivery, RuleTargetPort } from '../target.ts';

type Republish = Extract<RuleTarget, { kind: 'republish' }>;

/**
 * Publishes messages again, on another topic of the same tenant. Rules are the operator's, so no
 * permissions apply; topics of the server (`$…`) are refused. Each time adds one hop, and a message
 * with three is a failure (`rule-cycle`), so that rules that publish to topics of each other end.
 *
 * The message's id is that of the delivery: of a second attempt after a crash, a queue of a
 * subscriber keeps one copy at QoS 2.
 */
export function createRepublishTarget(context: Context): RuleTargetPort {
  return {
    maxBatch: 1,
    async deliver(rule, deliveries) {
      const outcomes: DeliveryOutcome[] = [];
      for (const delivery of deliveries) outcomes.push(await republish(context, rule, delivery));
      return outcomes;
    },
  };
}

async function republish(
  context: Context,
  { target }: Rule,
  delivery: RuleDelivery,
): Promise<DeliveryOutcome> {
  if (target.kind !== 'republish') return { kind: 'refused', code: 'rule-target-unserved' };
  const { record, event } = delivery;
  const { tenant, hops } = record;
  if (hops >= context.settings.ruleMaxHops) {
    context.log.count(metrics.rulesCyclesCut);
    return { kind: 'refused', code: 'rule-cycle' };
  }
  const rendered = renderTopic(target.topic, record, event);
  if ('code' in rendered) return { kind: 'refused', code: rendered.code };
  const live = await context.tenants.readLive(tenant, false);
  if (live === undefined) return { kind: 'retry', code: 'rule-attempt-failed' };
  const message = messageOf(target, delivery, rendered.topic);
  const quotas = effectiveQuotas(context.settings, live.quotas);
  if ((await retainedRefusal(context, tenant, quotas, message)) !== undefined)
    return { kind: 'refused', code: 'rule-republish-refused' };
  const [result] = await publishMessages(context, {
    tenant,
    live,
    requests: [message],
    judge: takeAsIs,
    hops: hops + 1,
  });
  if (result !== undefined && 'refusal' in result) return { kind: 'retry', code: 'rule-republish-refused' };
  return { kind: 'delivered' };
}

/** What is sent as it was published keeps its properties; anything else is a new message. */
function messageOf(
  { qos, retain }: Republish,
  { id, record, body, contentType }: RuleDelivery,
  topic: string,
): Message {
  const { payload, properties, expiresAtMs } = record.message;
  return {
    id,
    topic,
    payload: body,
    qos,
    retain,
    properties: body === payload ? properties : { contentType },
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  };
}
