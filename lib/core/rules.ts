import type { Message } from './model.ts';
import type { TenantId } from './tenant-id.ts';

/**
 * A rule of a tenant: messages on topics that match `filter`, and the pattern `where` if there is
 * one, are sent to `target`. docs/rules.md explains rules to users.
 */
export interface Rule {
  /** 1 to 63 characters of a-z, 0-9 and `-`, and no `-` at either end; unique in its tenant. */
  readonly name: string;
  /** A topic filter as in SUBSCRIBE, without `$share/`. */
  readonly filter: string;
  /** An EventBridge event pattern as JSON text, at most 512 bytes; absent: every message. */
  readonly where?: string;
  readonly send: RuleSend;
  readonly target: RuleTarget;
  /** A paused rule's records wait. A target that answers "gone" pauses its rule. */
  readonly status: 'active' | 'paused';
  /** Hours after which a record that could not be delivered becomes a failure, 1 to 96. */
  readonly retryHours: number;
  /** Absent: an operator owns the rule. Otherwise `sub` of the token that created it. */
  readonly owner?: string;
  /**
   * `iss` of the issuer of that token; empty: it has none. Absent: an operator owns the rule, or an
   * earlier release has stored it.
   */
  readonly ownerIssuer?: string;
  /** The operator has paused the rule of an owner: only the operator resumes it. */
  readonly pausedBy?: 'operator';
  readonly createdAtMs: number;
}

/** What is sent to the target. */
export type RuleSend =
  /** A JSON document that describes the message and holds its payload (lib/rules/envelope.ts). */
  | { readonly form: 'envelope' }
  /** The bytes of the payload. */
  | { readonly form: 'payload' }
  /** A template in EventBridge's input-transformer grammar, at most 4,096 bytes. */
  | { readonly form: 'template'; readonly template: string };

/** Assumed before a call into another account; the tenant's name is the external id. */
export interface AssumedRole {
  readonly roleArn: string;
}

export type RuleTarget =
  | WebhookTarget
  | (AwsTarget & Partial<AssumedRole>)
  | KafkaTarget
  | {
      readonly kind: 'republish';
      /** A topic name, or a template that gives one. */
      readonly topic: string;
      readonly qos: 0 | 1 | 2;
      readonly retain: boolean;
    };

export interface WebhookTarget {
  readonly kind: 'webhook';
  /** `https:`; on the operator's own machine `http:` too. */
  readonly url: string;
  /** Added to each request. Never a credential: those are secrets. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type AwsTarget =
  | {
      readonly kind: 'sqs';
      readonly queueArn: string;
      /** Of a FIFO queue. Default: the topic. */
      readonly messageGroupId?: string;
    }
  | { readonly kind: 'sns'; readonly topicArn: string }
  | {
      readonly kind: 'eventbridge';
      readonly busArn: string;
      readonly source: string;
      readonly detailType: string;
    }
  | { readonly kind: 'kinesis'; readonly streamArn: string }
  | { readonly kind: 'firehose'; readonly streamArn: string }
  /** On the operator's own machine the path of a module that exports `handler`. */
  | { readonly kind: 'lambda'; readonly functionArn: string }
  | { readonly kind: 'dynamodb'; readonly tableArn: string };

export interface KafkaTarget {
  readonly kind: 'kafka';
  /** `host:port` of one or more brokers. */
  readonly brokers: readonly string[];
  readonly topic: string;
  /** Default: the MQTT topic. */
  readonly key?: string;
  readonly tls: boolean;
  /** The password of SCRAM is the rule's secret. */
  readonly auth:
    | { readonly method: 'none' }
    | { readonly method: 'scram-sha-256' | 'scram-sha-512'; readonly username: string }
    | { readonly method: 'iam'; readonly region: string };
}

export type RuleTargetKind = RuleTarget['kind'];

/** A rule as matching finds it, in the partition of its filter. */
export interface MatchedRule {
  readonly name: string;
  readonly where?: string;
  readonly lane: RuleLane;
  /**
   * Whether a tenant's user has made it: those of operators come first. Absent in rows of earlier
   * releases.
   */
  readonly isOwned?: boolean;
}

/** Which queue and function serve a rule: Kafka's client is too large for the others. */
export type RuleLane = 'common' | 'kafka';

/** A message for a rule, in the rule queue and in the rows of records that wait. */
export interface RuleRecord {
  readonly tenant: TenantId;
  readonly rule: string;
  readonly lane: RuleLane;
  readonly message: Message;
  /** When the message was published, in ms since 1970. */
  readonly publishedAtMs: number;
  /** How many times rules have published the message again; 0: never. */
  readonly hops: number;
  /**
   * What was wrong at the last attempt; absent: there was none. A code of lib/core/reasons/.
   */
  readonly failure?: string;
  /**
   * From when the rule's `retryHours` count, in ms since 1970: an operator has sent a failure
   * again. Absent: from its publication.
   */
  readonly retryFromMs?: number;
  /**
   * How many times the record has gone to the queue of another lane, because its rule's kind of
   * target had changed. Absent: never.
   */
  readonly moves?: number;
  /** The worker has to compare the rule's pattern: it took too many steps for the publish. */
  readonly undecided?: true;
}

/** A rule within its tenant. */
export interface RuleKey {
  readonly tenant: TenantId;
  readonly rule: string;
}

/**
 * Rows of one rule that keep an order: all messages on a topic belong to the same one. A message
 * group of the rule queue is one strand of one rule.
 */
export const ruleStrands = 64;

/** Asks a worker to deliver the records of a rule that wait in rows (lib/rules/run/drain.ts). */
export interface RuleDrain extends RuleKey {
  readonly lane: RuleLane;
  /** The outage that it belongs to: `RuleOutage.period` in lib/core/store-ports/rule-records.ts. */
  readonly period: string;
  /** Increases within the outage; a higher one replaces the lower ones. */
  readonly number: number;
}

/** Hands records of rules to workers. */
export interface RuleQueue {
  /** Those that have a queue: a deployment may have none for Kafka. */
  readonly lanes: ReadonlySet<RuleLane>;
  /**
   * Resolves when all records are durable. Records of one rule and topic are delivered in the order
   * of sending. The queue drops a record of the same message, rule, `retryFromMs` and `moves` that
   * is sent again within 5 minutes.
   * @throws RuleLaneError, sending nothing, when a record's lane has no queue.
   */
  send(records: readonly RuleRecord[]): Promise<void>;
}

/** Hands requests to drain to workers, through the queues of the records. */
export interface RuleDrainQueue {
  /** Resolves when the request is durable. Each has a message group of its own. */
  send(drain: RuleDrain): Promise<void>;
}
