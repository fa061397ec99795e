/** The network of the function for Kafka: one that exists, with a way to AWS and to the brokers. */
export interface KafkaVpcSettings {
  readonly id: string;
  /** At least one. */
  readonly subnetIds: readonly string[];
  /** At least one; the brokers' own groups must let them in. */
  readonly securityGroupIds: readonly string[];
}

export interface KafkaRuleSettings {
  /** Default: none, and the function reaches brokers with public addresses only. */
  readonly vpc?: KafkaVpcSettings;
  /**
   * ARNs of topics of Amazon MSK that the function may write to with IAM access control. Default:
   * none.
   */
  readonly mskTopicArns: readonly string[];
}

export interface RuleSettings {
  /**
   * ARNs that rules may send to: queues, topics, event buses, streams, functions and tables, and
   * roles of other accounts to assume. Nothing else is granted. Webhooks and republishing need
   * none.
   */
  readonly targetArns: readonly string[];
  /**
   * Concurrent invocations that deliver records, of each of the two queues, 2 to 1,000. One rule
   * whose target is slow occupies up to 64 until its circuit opens.
   */
  readonly maxConcurrency: number;
  /** Default: rules for Kafka are not delivered. */
  readonly kafka?: KafkaRuleSettings;
}

export const ruleDefaults = { targetArns: [], maxConcurrency: 100 } as const satisfies RuleSettings;

/**
 * Services that rules send to, by the form of their ARNs without partition, region and account, and
 * the one action that a delivery needs.
 */
const targetKinds = [
  [/^sqs:R:A:[\w-]{1,80}(\.fifo)?$/, 'sqs:SendMessage'],
  [/^sns:R:A:[\w-]{1,256}(\.fifo)?$/, 'sns:Publish'],
  [/^events:R:A:event-bus\/[\w./-]{1,256}$/, 'events:PutEvents'],
  [/^kinesis:R:A:stream\/[\w.-]{1,128}$/, 'kinesis:PutRecords'],
  [/^firehose:R:A:deliverystream\/[\w.-]{1,64}$/, 'firehose:PutRecordBatch'],
  [/^lambda:R:A:function:[\w-]{1,64}(:[\w$-]{1,128})?$/, 'lambda:InvokeFunction'],
  [/^dynamodb:R:A:table\/[\w.-]{3,255}$/, 'dynamodb:PutItem'],
  [/^iam::A:role\/[\w+=,.@/-]{1,512}$/, 'sts:AssumeRole'],
] as const;

/** The action that deliveries to this ARN need; undefined: rules cannot send there. */
export function targetActionOf(arn: string): string | undefined {
  const parts = /^arn:aws[a-z-]*:(\w+):([a-z0-9-]*):(\d{12}):(.+)$/.exec(arn);
  if (parts === null) return undefined;
  const [, service, region, , resource] = parts;
  const form = `${service}:${region === '' ? '' : 'R'}:A:${resource}`;
  return targetKinds.find(([pattern]) => pattern.test(form))?.[1];
}

/** `arn:aws:kafka:REGION:ACCOUNT:topic/CLUSTER/UUID/TOPIC` → the ARN of its cluster. */
export function mskClusterOf(topicArn: string): string | undefined {
  const found = /^(arn:aws[a-z-]*:kafka:[a-z0-9-]+:\d{12}:)topic\/([\w-]+\/[\w-]+)\/[\w.-]{1,249}$/.exec(
    topicArn,
  );
  return found === null ? undefined : `${found[1]}cluster/${found[2]}`;
}
