import * as v from 'valibot';
import { type ReasonName, reasonMessage, reasons } from '../core/reasons.ts';
import type { RuleFailure } from '../core/store-ports/rule-records.ts';
import { closedObject, list } from '../core/validation.ts';
import { laneOf } from '../delivery/rules.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody } from '../http/read.ts';
import { listFailures, redriveFailures } from '../rules/run/failures.ts';
import { pageLimit, pageStart, pageToken } from './paging.ts';
import type { AdminOperation } from './request.ts';
import { namedRule } from './rules.ts';
import { isoTime } from './tenant-config.ts';

/** Failures that one call may name. */
const maxIds = 100;
/**
 * Republished messages have the id of the original and the name of the rule, for each of at most 3
 * hops; those of the inbound queue have 50 characters.
 */
const maxIdCharacters = 300;

/** Messages that a rule has given up, in the order of publishing, without payloads. */
export const listRuleFailures: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  const { query } = call.request;
  const [after] = pageStart(query, 1) ?? [];
  const limit = pageLimit(query);
  const { failures, next } = await listFailures(
    call.context,
    { tenant, rule: stored.rule.name },
    { limit, ...(after === undefined ? {} : { after }) },
  );
  return {
    status: 200,
    body: { failures: failures.map(failureJson), ...(next === undefined ? {} : { next: pageToken(next) }) },
  };
};

function failureJson({ id, record, atMs }: RuleFailure): object {
  const { message, publishedAtMs, failure } = record;
  return {
    id,
    topic: message.topic,
    ...(failure === undefined ? {} : { code: failure }),
    ...(isReason(failure) ? { message: reasonMessage(failure) } : {}),
    ...(message.publisher === undefined ? {} : { clientId: message.publisher }),
    payloadBytes: message.payload.length,
    publishedAt: isoTime(publishedAtMs),
    failedAt: isoTime(atMs),
  };
}

/** A newer release may have given a record up for a reason that this one does not know. */
function isReason(code: string | undefined): code is ReasonName {
  return code !== undefined && Object.hasOwn(reasons, code);
}

/** Which failures are to be sent again. */
export const redriveSchema = closedObject({
  ids: v.exactOptional(list(v.pipe(v.string(), v.minLength(1), v.maxLength(maxIdCharacters)), 1, maxIds)),
  all: v.exactOptional(v.pipe(v.literal(true, 'true'), v.description('The oldest; repeat while `more`.'))),
});

/**
 * Sends messages again that a rule has given up, and forgets them. A message whose call dies in
 * between is sent again and stays among the failures.
 */
export const redriveRule: AdminOperation = async (call) => {
  const { tenant, stored } = await namedRule(call);
  const { ids, all } = jsonBody(call.request, redriveSchema);
  if ((ids === undefined) === (all === undefined))
    throw new Problem('body', { detail: 'expected either "ids" or "all"' });
  const { rule } = stored;
  const lane = laneOf(rule);
  if (!call.context.ruleQueue?.lanes.has(lane)) throw new Problem('rule-kafka-off');
  const key = { tenant, rule: rule.name };
  const { count, isPartial } = await redriveFailures(call.context, key, lane, ids ?? 'all');
  return { status: 200, body: { redriven: count, more: isPartial } };
};
