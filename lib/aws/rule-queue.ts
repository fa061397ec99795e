import { createHash } from 'node:crypto';
import type { SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import * as v from 'valibot';
import { reasonMessage } from '../core/reasons.ts';
import { RuleRecordFormatError, ruleRecordFrom, ruleRecordText } from '../core/rule-record.ts';
import { type RuleLane, type RuleQueue, type RuleRecord, ruleStrands } from '../core/rules.ts';
import { sendInBatches } from './send-in-batches.ts';

/** URLs of the queues by lane; a deployment may have none for Kafka. */
export type RuleQueueUrls = { readonly common: string } & Readonly<Partial<Record<RuleLane, string>>>;

/**
 * Records of rules on FIFO queues, one queue per lane. A message group is a rule and a part of the
 * topics, so the records of one rule and topic are delivered one after another. The deduplication
 * id is that of message, rule, redrive and change of lane: a record that is sent again within 5
 * minutes counts once (Amazon SQS Developer Guide, "FIFO queue and message identifiers").
 */
export function createRuleQueue(client: SQSClient, urls: RuleQueueUrls): RuleQueue {
  const lanes = new Set<RuleLane>(urls.kafka === undefined ? ['common'] : ['common', 'kafka']);
  return {
    lanes,
    async send(records) {
      const byLane = new Map<RuleLane, RuleRecord[]>();
      for (const record of records) {
        const lane = byLane.get(record.lane) ?? [];
        lane.push(record);
        byLane.set(record.lane, lane);
      }
      const sends = [...byLane].map(([lane, ofLane]) => {
        const url = urls[lane];
        if (url === undefined) throw new RuleLaneError();
        return { url, entries: ofLane.map(entryOf) };
      });
      await Promise.all(sends.map(({ url, entries }) => sendInBatches(client, url, entries)));
    },
  };
}

/** A record cannot be sent, because its lane has no queue. Whoever holds it must keep it. */
class RuleLaneError extends Error {
  readonly code = 'rule-kafka-off';
  override readonly name = 'RuleLaneError';
  constructor() {
    super(reasonMessage('rule-kafka-off'));
  }
}

/** A record as a message of its queue. */
function entryOf(record: RuleRecord): Omit<SendMessageBatchRequestEntry, 'Id'> {
  return {
    MessageBody: `{"v":1,"record":${ruleRecordText(record)}}`,
    MessageGroupId: ruleGroupOf(record),
    MessageDeduplicationId: ruleDeduplicationId(record),
  };
}

/** By which the queue knows a record that is sent again. */
export function ruleDeduplicationId({ tenant, rule, message, retryFromMs, moves }: RuleRecord): string {
  const move = moves === undefined ? '' : ` ${moves}`;
  return ruleDigest(`${tenant}/${rule} ${message.id} ${retryFromMs ?? ''}${move}`);
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
