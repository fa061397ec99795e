import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import type { RuleDrain, RuleDrainQueue } from '../core/rules.ts';
import { isTenantName, type TenantId } from '../core/tenant-id.ts';
import { type RuleQueueUrls, ruleDigest } from './rule-queue.ts';

/**
 * Requests to drain the records of rules that wait, in the queues of the records. Each has a
 * message group of its own, because one that waits for the end of a back-off must not hold up a
 * later one that replaces it.
 */
export function createRuleDrainQueue(client: SQSClient, urls: RuleQueueUrls): RuleDrainQueue {
  return {
    async send(drain) {
      const { tenant, rule, period, number } = drain;
      await client.send(
        new SendMessageCommand({
          QueueUrl: urls[drain.lane] ?? urls.common,
          MessageBody: JSON.stringify({ v: 1, drain }),
          MessageGroupId: ruleDigest(`${tenant}/${rule} drain ${period} ${number}`),
          MessageDeduplicationId: ruleDigest(`${tenant}/${rule} drain ${period} ${number}`),
        }),
      );
    },
  };
}

/** The request that a message of a rule queue holds; undefined: it holds a record, or neither. */
export function ruleDrainOf(body: string): RuleDrain | undefined {
  if (!body.startsWith('{"v":1,"drain":')) return undefined;
  const result = v.safeParse(messageSchema, JSON.parse(body));
  return result.success ? result.output.drain : undefined;
}

const messageSchema = v.strictObject({
  v: v.literal(1),
  drain: v.strictObject({
    /** A tenant id that a function of this stack has vouched for. */
    tenant: v.custom<TenantId>((value) => typeof value === 'string' && isTenantName(value)),
    rule: v.string(),
    lane: v.picklist(['common', 'kafka']),
    period: v.string(),
    number: v.pipe(v.number(), v.integer(), v.minValue(1)),
  }),
}) satisfies v.GenericSchema<unknown, { v: 1; drain: RuleDrain }>;
