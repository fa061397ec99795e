import { type ReadContext, readChoice, readCount, readText, SettingsError } from './read-values.ts';
import {
  type KafkaRuleSettings,
  type KafkaVpcSettings,
  mskClusterOf,
  type RuleSettings,
  ruleDefaults,
  targetActionOf,
} from './rule-settings.ts';

/** Settings that mean something with `kafkaRules=on` only. */
const kafkaSettings = ['kafkaVpc', 'kafkaSubnets', 'kafkaSecurityGroups', 'kafkaTopics'] as const;
/** Settings that mean something with `rules=on` only. */
const ruleSettings = ['ruleTargets', 'ruleMaxConcurrency'] as const;

/**
 * Rules: `-c rules=on` with
 * - `-c ruleTargets=ARN,…`, what rules may send to in AWS
 * - `-c ruleMaxConcurrency=…`
 * - `-c kafkaRules=on`, and with it `-c kafkaVpc=vpc-…`, `-c kafkaSubnets=subnet-…,…` and
 *   `-c kafkaSecurityGroups=sg-…,…`, and `-c kafkaTopics=ARN,…` of Amazon MSK
 *
 * @throws SettingsError when a value is missing or cannot work.
 */
export function readRules(context: ReadContext): RuleSettings | undefined {
  const rules = readChoice(context, 'rules', ['off', 'on'], 'off');
  const kafka = readKafka(context);
  const [given] = [...ruleSettings, ...(kafka === undefined ? [] : ['kafkaRules'])].filter((name) =>
    isGiven(context, name),
  );
  if (rules === 'off') {
    if (given === undefined) return undefined;
    throw new SettingsError(`${given}: means nothing without rules=on`);
  }
  const { ruleMaxConcurrency: maxConcurrency = ruleDefaults.maxConcurrency } = readCount(
    context,
    'ruleMaxConcurrency',
    2,
  );
  const targetArns = readList(context, 'ruleTargets');
  for (const arn of targetArns)
    if (targetActionOf(arn) === undefined)
      throw new SettingsError(
        `ruleTargets: whole ARNs of queues, topics, event buses, streams, functions, tables or roles, without wildcards; not "${arn}"`,
      );
  return { targetArns, maxConcurrency, ...(kafka === undefined ? {} : { kafka }) };
}

function readKafka(context: ReadContext): KafkaRuleSettings | undefined {
  const given = kafkaSettings.filter((name) => isGiven(context, name));
  const vpc = readVpc(context);
  const mskTopicArns = readList(context, 'kafkaTopics');
  if (readChoice(context, 'kafkaRules', ['off', 'on'], 'off') === 'off') {
    const [first] = given;
    if (first !== undefined) throw new SettingsError(`${first}: means nothing without kafkaRules=on`);
    return undefined;
  }
  for (const arn of mskTopicArns)
    if (mskClusterOf(arn) === undefined)
      throw new SettingsError(
        `kafkaTopics: ARNs arn:aws:kafka:REGION:ACCOUNT:topic/CLUSTER/UUID/TOPIC, without wildcards; not "${arn}"`,
      );
  return { mskTopicArns, ...(vpc === undefined ? {} : { vpc }) };
}

function readVpc(context: ReadContext): KafkaVpcSettings | undefined {
  const id = readText(context, 'kafkaVpc');
  const subnetIds = readList(context, 'kafkaSubnets');
  const securityGroupIds = readList(context, 'kafkaSecurityGroups');
  if (id === undefined) {
    if (subnetIds.length === 0 && securityGroupIds.length === 0) return undefined;
    throw new SettingsError('kafkaVpc is missing: kafkaSubnets and kafkaSecurityGroups need it');
  }
  if (!/^vpc-[0-9a-f]{8,17}$/.test(id))
    throw new SettingsError('kafkaVpc: an id such as vpc-0123456789abcdef0');
  if (subnetIds.length === 0 || !subnetIds.every((one) => /^subnet-[0-9a-f]{8,17}$/.test(one)))
    throw new SettingsError('kafkaSubnets: ids of subnets of kafkaVpc, with "," between them');
  if (securityGroupIds.length === 0 || !securityGroupIds.every((one) => /^sg-[0-9a-f]{8,17}$/.test(one)))
    throw new SettingsError('kafkaSecurityGroups: ids of security groups of kafkaVpc, with "," between them');
  return { id, subnetIds, securityGroupIds };
}

function isGiven(context: ReadContext, name: string): boolean {
  return ![undefined, null, ''].includes(context(name) as undefined);
}

/** Different texts with "," between them. */
function readList(context: ReadContext, name: string): string[] {
  const texts = readText(context, name)?.split(',') ?? [];
  return [...new Set(texts.map((one) => one.trim()))];
}
