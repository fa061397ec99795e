import { describe, expect, it } from 'vitest';
import { capitalised } from '../../cdk/constructs/tables.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/read-values.ts';
import { ruleDefaults } from '../../cdk/rule-settings.ts';
import { functionNames, presets } from '../../cdk/settings.ts';
import { ruleSecretName } from '../../lib/core/rule-secrets.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { vouchedTenantId } from '../../lib/core/tenant-id.ts';
import { withEdge } from './edge-settings.ts';
import { mskTopicArn, ruleTargetArns, withRules } from './rule-settings.ts';
import { Synthesised } from './synthesise.ts';

const stack = new Synthesised(withRules);
const plain = new Synthesised({ ...presets.prod, rules: ruleDefaults });

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

const statementsOf = (id: string, of: Synthesised = stack): Statement[] =>
  of.one('AWS::IAM::Policy', `${id}RoleDefaultPolicy`).Properties.PolicyDocument.Statement;
const list = <Value>(value: Value | Value[]): Value[] => [value].flat() as Value[];
const variablesOf = (id: string, of: Synthesised = stack) =>
  functionOf(id, of).Environment.Variables as Record<string, unknown>;
function functionOf(id: string, of: Synthesised = stack) {
  const found = Object.entries(of.resources('AWS::Lambda::Function')).find(([logicalId]) =>
    new RegExp(`^${id}[0-9A-F]{8}$`).test(logicalId),
  );
  return found?.[1].Properties ?? {};
}

describe('the rule functions', () => {
  it('may do with each target of the settings the one thing that a delivery needs', () => {
    const granted = ruleTargetArns.map((arn) => [
      arn,
      ...statementsOf('Rule').flatMap(({ Action, Resource }) =>
        list(Resource).includes(arn) ? list(Action) : [],
      ),
    ]);
    expect(granted).toEqual([
      [ruleTargetArns[0], 'sqs:SendMessage'],
      [ruleTargetArns[1], 'sns:Publish'],
      [ruleTargetArns[2], 'events:PutEvents'],
      [ruleTargetArns[3], 'kinesis:PutRecords'],
      [ruleTargetArns[4], 'firehose:PutRecordBatch'],
      [ruleTargetArns[5], 'lambda:InvokeFunction'],
      [ruleTargetArns[6], 'dynamodb:PutItem'],
      [ruleTargetArns[7], 'sts:AssumeRole'],
    ]);
    const isOther = (service: string) =>
      ['sns', 'events', 'kinesis', 'firehose', 'lambda', 'sts'].includes(service);
    const servicesOf = ({ Action }: Statement) => list(Action).map((one) => one.split(':')[0] ?? '');
    for (const id of ['RuleKafka', ...functionNames.map(capitalised)])
      expect(statementsOf(id).flatMap(servicesOf).filter(isOther)).toEqual([]);
    expect(statementsOf('Rule', plain).flatMap(servicesOf).filter(isOther)).toEqual([]);
  });

  it.each(['Rule', 'RuleKafka'])('%s has wildcards only for connections, secrets and interfaces', (id) => {
    for (const { Action, Resource } of statementsOf(id)) {
      for (const action of list(Action)) expect(action).not.toMatch(/\*|Scan|Transact/);
      const text = JSON.stringify(Resource);
      if (text.includes('*') && !list(Action).every((action) => action.startsWith('ec2:')))
        expect(text).toMatch(/@connections\/\*"|:secret:wisp\/rules\/\*"/);
    }
  });

  it('for Kafka writes to the topics of the settings and knows of their cluster', () => {
    const granted = statementsOf('RuleKafka').filter(({ Action }) =>
      list(Action).some((action) => action.startsWith('kafka-cluster:')),
    );
    expect(granted.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      ['kafka-cluster:Connect', mskTopicArn.replace(':topic/', ':cluster/').replace('/orders', '')],
      [['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'], mskTopicArn],
    ]);
    expect(functionOf('RuleKafka').VpcConfig).toEqual({
      SubnetIds: ['subnet-0123456789abcdef0'],
      SecurityGroupIds: ['sg-0123456789abcdef0'],
    });
    const ec2 = statementsOf('RuleKafka').filter(({ Resource }) => Resource === '*');
    expect(ec2.map(({ Effect, Condition }) => [Effect, Condition])).toEqual([
      ['Allow', undefined],
      ['Deny', { Null: { 'lambda:SourceFunctionArn': 'false' } }],
    ]);
  });

  it('read secrets of rules, which the admin API makes and nobody else', () => {
    const secrets = (id: string) =>
      statementsOf(id)
        .filter(({ Resource }) => JSON.stringify(Resource).includes(':secret:wisp/rules/*'))
        .flatMap(({ Action }) => list(Action))
        .sort();
    const reading = 'secretsmanager:GetSecretValue';
    expect(secrets('Rule')).toEqual([reading]);
    expect(secrets('RuleKafka')).toEqual([reading]);
    const writing = ['CreateSecret', 'DeleteSecret', 'GetSecretValue', 'PutSecretValue'].map(
      (one) => `secretsmanager:${one}`,
    );
    for (const name of functionNames)
      expect(secrets(capitalised(name))).toEqual(name === 'admin' ? writing : []);
    expect(secrets('OwnRules')).toEqual(writing);
    expect(ruleSecretName(vouchedTenantId('acme'), 'hook')).toMatch(/^wisp\/rules\//);
  });

  it('have time for the attempts that they begin, and may send to their own queue', () => {
    for (const id of ['Rule', 'RuleKafka']) {
      expect(functionOf(id).Timeout).toBeGreaterThanOrEqual(defaultSettings.ruleRunSeconds + 10);
      expect(functionOf(id).RecursiveLoop).toBe('Allow');
    }
  });

  it('take batches of ten from queues, of which one rule cannot hold all', () => {
    const mappings = Object.values(stack.resources('AWS::Lambda::EventSourceMapping')).filter((one) =>
      JSON.stringify(one.Properties.EventSourceArn).includes('"Rules'),
    );
    expect(mappings).toHaveLength(2);
    for (const { Properties } of mappings) {
      expect(Properties).toMatchObject({
        BatchSize: 10,
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 100 },
      });
    }
  });
});

it("rules of tenants' users have a route, whose tokens the function verifies", () => {
  const routes = Object.values(stack.resources('AWS::ApiGatewayV2::Route')).filter(({ Properties }) =>
    String(Properties.RouteKey).includes('/rules/'),
  );
  expect(routes.map(({ Properties }) => Properties.RouteKey).sort()).toEqual(
    ['DELETE', 'GET', 'OPTIONS', 'PUT'].map((method) => `${method} /rules/{rule+}`),
  );
  expect(variablesOf('OwnRules')).toHaveProperty('RULE_QUEUE_URL');
  expect(variablesOf('OwnRules')).not.toHaveProperty('FANOUT_QUEUE_URL');
  expect(variablesOf('OwnRules')).toHaveProperty('PUBLISH_ORIGINS');
});

describe('the rule queues', () => {
  const queues = Object.entries(stack.resources('AWS::SQS::Queue')).filter(([id]) => id.startsWith('Rules'));

  it('are FIFO with high throughput, and keep what is unreadable for 14 days', () => {
    expect(queues).toHaveLength(4);
    for (const [id, { Properties }] of queues) {
      expect(Properties).toMatchObject({
        FifoQueue: true,
        SqsManagedSseEnabled: true,
        MessageRetentionPeriod: 14 * 86_400,
      });
      if (id.includes('DeadLetters')) continue;
      expect(Properties).toMatchObject({
        DeduplicationScope: 'messageGroup',
        FifoThroughputLimit: 'perMessageGroupId',
        VisibilityTimeout: 6 * functionOf('Rule').Timeout,
        RedrivePolicy: { maxReceiveCount: 1_000 },
      });
    }
  });

  it('are known to everyone who publishes, and to no other', () => {
    const [records, kafka] = ['RulesRecordsQueue', 'RulesKafkaQueue'].map(
      (prefix) => stack.one('AWS::SQS::Queue', prefix).id,
    );
    for (const id of [...functionNames.map(capitalised), 'Rule', 'RuleKafka']) {
      const publishes = id !== 'Connect';
      expect(variablesOf(id).RULE_QUEUE_URL).toEqual(publishes ? { Ref: records } : undefined);
      expect(variablesOf(id).KAFKA_RULE_QUEUE_URL).toEqual(publishes ? { Ref: kafka } : undefined);
      const sends = statementsOf(id)
        .filter(({ Action }) => list(Action).includes('sqs:SendMessage'))
        .flatMap(({ Resource }) => list(Resource));
      for (const queue of [records, kafka]) {
        const arn = { 'Fn::GetAtt': [queue, 'Arn'] };
        if (publishes) expect(sends).toContainEqual(arn);
        else expect(sends).not.toContainEqual(arn);
      }
      if (id !== 'RuleKafka') expect(variablesOf(id, plain)).not.toHaveProperty('KAFKA_RULE_QUEUE_URL');
    }
  });

  it('are known to processes of the edge', () => {
    const edge = new Synthesised({ ...withEdge, rules: withRules.rules });
    expect(edge.outputs()).toHaveProperty('RuleQueueUrl');
    expect(edge.outputs()).toHaveProperty('KafkaRuleQueueUrl');
    expect(JSON.stringify(edge.one('AWS::ECS::TaskDefinition').Properties)).toContain('"RULE_QUEUE_URL"');
    const policy = JSON.stringify(edge.one('AWS::IAM::ManagedPolicy').Properties);
    expect(policy).toMatch(/RulesRecordsQueue\w+/);
  });
});

describe('a deployment without rules', () => {
  it('has nothing of them', () => {
    const without = JSON.stringify(new Synthesised().template.toJSON());
    expect(without).not.toMatch(/RULE_QUEUE_URL|wisp\/rules|Rules(Dead|Behind)/);
  });
});

it('the alarms are three, over one metric or one of each lane', () => {
  const alarms = (of: Synthesised) =>
    Object.entries(of.resources('AWS::CloudWatch::Alarm')).filter(([id]) => /^MonitoringRule/.test(id));
  expect(alarms(plain)).toHaveLength(3);
  expect(alarms(stack)).toHaveLength(3);
});

it('the concurrency leaves 100 to the account, and one rule cannot use all of it', () => {
  const of = new Synthesised({ ...withRules, accountConcurrency: 1_000, edge: {} });
  const reserved = Object.values(of.resources('AWS::Lambda::Function')).flatMap(
    ({ Properties }) => Properties.ReservedConcurrentExecutions ?? [],
  );
  expect(reserved.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(900);
  expect(functionOf('Rule', of).ReservedConcurrentExecutions).toBeGreaterThan(64);
});

describe('the settings of rules', () => {
  const read = (values: Record<string, unknown>) => readSettings((name) => values[name]).rules;
  const arn = ruleTargetArns[0];

  it('are off unless asked for', () => {
    expect(read({})).toBeUndefined();
    expect(read({ rules: 'off' })).toBeUndefined();
    expect(read({ rules: 'on' })).toEqual(ruleDefaults);
  });

  it('tell all that the stack needs', () => {
    const asked = read({
      rules: 'on',
      ruleTargets: ruleTargetArns.join(', '),
      ruleMaxConcurrency: '100',
      kafkaRules: 'on',
      kafkaVpc: 'vpc-0123456789abcdef0',
      kafkaSubnets: 'subnet-0123456789abcdef0',
      kafkaSecurityGroups: 'sg-0123456789abcdef0',
      kafkaTopics: mskTopicArn,
    });
    expect(asked).toEqual(withRules.rules);
    expect(read({ rules: 'on', kafkaRules: 'on' })).toEqual({ ...ruleDefaults, kafka: { mskTopicArns: [] } });
  });

  it.each([
    ['rules that are neither on nor off', { rules: 'true' }, 'rules: one of off, on'],
    ['targets without rules', { ruleTargets: arn }, 'ruleTargets: means nothing without rules=on'],
    ['Kafka without rules', { kafkaRules: 'on' }, 'kafkaRules: means nothing without rules=on'],
    [
      'a wildcard',
      { rules: 'on', ruleTargets: 'arn:aws:sqs:eu-west-1:123456789012:*' },
      'ruleTargets: whole',
    ],
    ['every role', { rules: 'on', ruleTargets: 'arn:aws:iam::123456789012:role/*' }, 'ruleTargets: whole'],
    ['a user', { rules: 'on', ruleTargets: 'arn:aws:iam::123456789012:user/me' }, 'ruleTargets: whole'],
    ['a bucket', { rules: 'on', ruleTargets: 'arn:aws:s3:::orders' }, 'ruleTargets: whole'],
    ['a URL', { rules: 'on', ruleTargets: `${arn},https://example.com` }, 'not "https://example.com"'],
    ['a network without Kafka', { rules: 'on', kafkaVpc: 'vpc-1' }, 'kafkaVpc: '],
    [
      'subnets alone',
      { rules: 'on', kafkaRules: 'on', kafkaSubnets: 'subnet-0123456789abcdef0' },
      'kafkaVpc is missing',
    ],
    [
      'topics of every name',
      { rules: 'on', kafkaRules: 'on', kafkaTopics: mskTopicArn.replace('orders', '*') },
      'kafkaTopics: ARNs',
    ],
    ['one worker', { rules: 'on', ruleMaxConcurrency: '1' }, 'ruleMaxConcurrency: a whole number from 2'],
  ])('refuse %s in one line', (_what, values, message) => {
    expect(() => read(values)).toThrow(SettingsError);
    expect(() => read(values)).toThrow(message);
    expect(() => read(values)).toThrow(/^[^\n]+$/);
  });
});
