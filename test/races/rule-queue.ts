import { topicPartOf } from '../../lib/aws/rule-queue.ts';
import type { RuleDrain, RuleRecord } from '../../lib/core/rules.ts';
import type { serveRuleBatch } from '../../lib/rules/run/batch.ts';

export type QueuedContent = { readonly record: RuleRecord } | { readonly drain: RuleDrain };

/** A message of an emulated rule queue. */
export interface QueuedForRule {
  readonly id: string;
  readonly content: QueuedContent;
  readonly group: string;
  readonly sequence: string;
  receiveCount: number;
  visibleAtMs: number;
}

/** What a worker gets of messages that it has received. */
export function batchOf(received: readonly QueuedForRule[]): Parameters<typeof serveRuleBatch>[1] {
  return {
    records: received.flatMap(({ id, receiveCount, sequence, content }) =>
      'record' in content
        ? [{ id, receiveCount, sequence, ...content, strand: topicPartOf(content.record.message.topic) }]
        : [],
    ),
    drains: received.flatMap(({ id, receiveCount, content }) =>
      'drain' in content ? [{ id, receiveCount, ...content }] : [],
    ),
  };
}
