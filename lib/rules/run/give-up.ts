import type { Context } from '../../core/context.ts';
import { metrics } from '../../core/metrics.ts';
import type { Message } from '../../core/model.ts';
import type { ReasonName } from '../../core/reasons.ts';
import type { RuleKey, RuleRecord } from '../../core/rules.ts';
import { ruleFailureId } from '../../core/store-ports/rule-records.ts';
import { publishMessages, takeAsIs } from '../../delivery/publish.ts';

/** A record with the reason why it is given up. */
export type FailedRecord = RuleRecord & { readonly failure: ReasonName };

/**
 * Makes failures of records of one rule, and tells the tenant, at most once a minute for each rule.
 * Only after it may the records leave the queue or their rows. A crash leaves failures whose
 * records are tried again, and which are then written again under the same ids.
 */
export async function giveUp(context: Context, records: readonly FailedRecord[]): Promise<void> {
  const [first] = records;
  if (first === undefined) return;
  const { clock, log, ruleRecords, settings, usage } = context;
  const atMs = clock.nowMs();
  const day = new Date(atMs).toISOString().slice(0, 10);
  const { tenant, rule, failure: code } = first;
  if (await ruleRecords.takeFailureRoom(first, day, records.length, settings.ruleFailuresPerDay)) {
    await ruleRecords.putFailures(
      first,
      records.map((record) => ({ id: ruleFailureId(record), record, atMs })),
    );
  } else {
    log.count(metrics.ruleFailuresDropped, records.length);
    log.error('failures of a rule are lost: it has too many today', { code, rule, tenant });
  }
  log.count(metrics.rulesDead, records.length);
  for (const { failure } of records) log.countRefusal(failure);
  log.warn('records of a rule were given up', { code, rule, tenant, count: records.length });
  usage.count(tenant, { ruleFailures: records.length });
  await tell(context, first, records.length, atMs);
}

/** Publishes the event of a failure. If that fails, the failure itself is stored all the same. */
async function tell(context: Context, record: FailedRecord, count: number, atMs: number): Promise<void> {
  const { ruleRecords, settings, log } = context;
  const notSinceMs = atMs - settings.ruleFailedMessageSeconds * 1000;
  try {
    if (!(await ruleRecords.mayTell(record, { code: record.failure, atMs }, notSinceMs))) return;
    // A rule that handles these events, and fails, would make events for ever.
    if (record.hops >= settings.ruleMaxHops && record.message.topic.startsWith('$SYS/')) return;
    await publishFailed(context, record, count, atMs);
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    log.warn('a failure of a rule could not be told', {
      error: name,
      rule: record.rule,
      tenant: record.tenant,
    });
  }
}

async function publishFailed(
  context: Context,
  { tenant, rule, failure, hops }: FailedRecord,
  count: number,
  atMs: number,
): Promise<void> {
  const live = await context.tenants.readLive(tenant, false);
  if (live === undefined) return;
  const event = { event: 'rule-failed', tenant, rule, code: failure, count, atMs };
  const message: Message = {
    id: context.ids.unique(),
    topic: ruleFailedTopic({ tenant, rule }),
    payload: new TextEncoder().encode(JSON.stringify(event)),
    qos: 1,
    retain: false,
    properties: { contentType: 'application/json', payloadFormatIndicator: true },
  };
  await publishMessages(context, {
    tenant,
    live,
    requests: [message],
    judge: takeAsIs,
    countedIfReceived: true,
    hops: hops + 1,
  });
}

/** The topic that tells of a rule's failures. */
function ruleFailedTopic({ tenant, rule }: RuleKey): string {
  return `$SYS/tenants/${tenant}/rules/${rule}/failed`;
}
