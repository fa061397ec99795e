import { createHash } from 'node:crypto';
import type { SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { metrics } from '../core/metrics.ts';
import type { Log } from '../core/ports.ts';
import { RuleRecordFormatError, ruleRecordFrom, ruleRecordText } from '../core/rule-record.ts';
import { type RuleLane, type RuleQueue, type RuleRecord, ruleStrands } from '../core/rules.ts';
import { sendInBatches } from './send-in-batches.ts';

/** URLs of the queues by lane; a deployment may have none for Kafka. */
export type RuleQueueUrls = { readonly common: string } & Readonly<Partial<Record<RuleLane, string>>>;

/**
 * Records of rules on FIFO queues, one queue per lane. A message group is a rule and a part of the
 * topics, so the records of one rule and topic are delivered one after another. The deduplication
 * id is that of message, rule and redrive: a record that is sent again within 5 minutes counts once
 * (Amazon SQS Developer Guide, "FIFO queue and message identifiers").
 */
export function createRuleQueue(client: SQSClient, urls: RuleQueueUrls, log: Log): RuleQueue {
  return {
    async send(records) {
      const byLane = new Map<RuleLane, RuleRecord[]>();
      for (const record of records) {
        const lane = byLane.get(record.lane) ?? [];
        lane.push(record);
        byLane.set(record.lane, lane);
      }
      await Promise.all(
        [...byLane].map(async ([lane, ofLane]) => {
          const url = urls[lane];
          if (url === undefined) log.count(metrics.rulesWithoutQueue, ofLane.length);
          else await sendInBatches(client, url, ofLane.map(entryOf));
        }),
      );
    },
  };
}

/** A record as a message of its queue. */
function entryOf(record: RuleRecord): Omit<SendMessageBatchRequestEntry, 'Id'> {
  return {
    MessageBody: `{"v":1,"record":${ruleRecordText(record)}}`,
    MessageGroupId: ruleGroupOf(record),
    MessageDeduplicationId: ruleDigest(
      `${record.tenant}/${record.rule} ${record.message.id} ${record.retryFromMs ?? ''}`,
    ),
  };
}

/** The message group of a record: its tenant, rule and part of the topics. 46 characters. */
export function ruleGroupOf({ tenant, rule, message }: RuleRecord): string {
  return `${ruleDigest(`${tenant}/${rule}`)}-${topicPartOf(message.topic)}`;
}

/** 0 to 63: records with the same part keep their order. */
export function topicPartOf(topic: string): number {
  return createHash('sha256').update(topic).digest().readUInt16BE(0) % ruleStrands;
}

/** 43 characters. */
export function ruleDigest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/**
 * Reads a message of a rule queue. Only this stack writes to it.
 * @throws RuleRecordFormatError when this release does not write such a message. SQS then delivers
 *   it again and finally moves it to the dead-letter queue.
 */
export function ruleRecordOf(body: string): RuleRecord {
  const result = v.safeParse(messageSchema, jsonOf(body));
  if (!result.success) throw new RuleRecordFormatError();
  return ruleRecordFrom(result.output.record);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RuleRecordFormatError();
  }
}

const messageSchema = v.strictObject({ v: v.literal(1), record: v.unknown() });
