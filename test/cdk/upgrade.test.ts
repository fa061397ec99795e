import { describe, expect, it } from 'vitest';
import { presets } from '../../cdk/settings.ts';
import { withEdge } from './edge-settings.ts';
import { withRules } from './rule-settings.ts';
import { Synthesised } from './synthesise.ts';

const prod = new Synthesised(presets.prod);
const dev = new Synthesised(presets.dev);

/**
 * What an update must keep (docs/upgrading.md), by logical id, with every property whose change has
 * CloudFormation make another one in its place:
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/ ("Replacement"). A change
 * here affects every deployment and needs an entry in docs/upgrading.md and CHANGELOG.md.
 */
const kept: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>> = {
  'AWS::DynamoDB::Table': {
    TablesConnectionsF6D675B1: table('address'),
    TablesSessions486350CB: table('session', 'kind'),
    TablesSubscriptionsEF5802C5: table('filter', 'client'),
    TablesMessages5F3A57D1: table('bucket', 'part'),
    TablesRetainedFC0689EE: table('tenant', 'topic'),
    TablesTenantsE95A5149: table('tenant', 'part'),
    TablesUsageA60E9525: table('tenant', 'part'),
  },
  'AWS::ApiGatewayV2::Api': {
    GatewayApi4EDF2151: { ProtocolType: 'WEBSOCKET' },
    HttpApi4E1D4184: { ProtocolType: 'HTTP' },
  },
  'AWS::ApiGatewayV2::Stage': {
    GatewayStage04E5B0D6: { ApiId: { Ref: 'GatewayApi4EDF2151' }, StageName: 'mqtt' },
    HttpStageD1D6DBD6: { ApiId: { Ref: 'HttpApi4E1D4184' }, StageName: '$default' },
  },
  'AWS::SQS::Queue': {
    TimersQueue10AEBBE9: { QueueName: undefined, FifoQueue: undefined },
    TimersLooksEBF6E57C: { QueueName: undefined, FifoQueue: undefined },
    TimersDeadLettersBB155020: { QueueName: undefined, FifoQueue: undefined },
    SlicesQueue3E684816: { QueueName: undefined, FifoQueue: true },
    SlicesDeadLettersAAF284B4: { QueueName: undefined, FifoQueue: true },
  },
};

function table(partitionKey: string, sortKey?: string) {
  return {
    TableName: undefined,
    LocalSecondaryIndexes: undefined,
    ImportSourceSpecification: undefined,
    KeySchema: [
      { AttributeName: partitionKey, KeyType: 'HASH' },
      ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' }]),
    ],
  };
}

const cases = Object.entries(kept).flatMap(([type, byId]) =>
  Object.entries(byId).map(([id, properties]) => [type, id, properties] as const),
);

describe('an update keeps', () => {
  it.each(cases)('%s %s', (type, id, properties) => {
    for (const stack of [prod, dev]) {
      const found = stack.resources(type)[id]?.Properties;
      expect(found, `${id} has got another logical id: an update would delete or orphan it`).toBeDefined();
      for (const [name, value] of Object.entries(properties)) expect(found?.[name], name).toEqual(value);
    }
  });

  it.each(Object.keys(kept))('every %s: none is missing above', (type) => {
    expect(Object.keys(prod.resources(type)).sort()).toEqual(Object.keys(kept[type] ?? {}).sort());
  });
});

describe('an update keeps the edge', () => {
  const edge = new Synthesised(withEdge);

  /** The load balancer's name in DNS is where clients are; processes know the API of back doors. */
  it.each([
    [
      'AWS::ElasticLoadBalancingV2::LoadBalancer',
      'EdgeFleetBalancer9FCC9A0C',
      { Name: undefined, Type: 'network' },
    ],
    [
      'AWS::ElasticLoadBalancingV2::TargetGroup',
      'EdgeFleetBalancerTargets8883DFA354B7',
      { Name: undefined, Port: 8883 },
    ],
    [
      'AWS::ElasticLoadBalancingV2::TargetGroup',
      'EdgeFleetBalancerTargets4433B6D8184',
      { Name: undefined, Port: 8084 },
    ],
    ['AWS::ECS::Service', 'EdgeFleetService30AF5DD7', { ServiceName: undefined, LaunchType: 'FARGATE' }],
    ['AWS::ApiGatewayV2::Api', 'EdgeDoorApi8FAED92E', { ProtocolType: 'WEBSOCKET' }],
    ['AWS::ApiGatewayV2::Stage', 'EdgeDoorStage45C36FB2', { StageName: 'door' }],
    ['AWS::EC2::VPC', 'EdgeFleetVpc8FD99BAF', { CidrBlock: '10.0.0.0/16' }],
    ['AWS::IAM::ManagedPolicy', 'EdgeProcessPolicy34438465', { ManagedPolicyName: undefined, Path: '/' }],
  ])('%s %s', (type, id, properties) => {
    const found = edge.resources(type)[id]?.Properties;
    expect(found, `${id} has got another logical id: an update would make another one`).toBeDefined();
    for (const [name, value] of Object.entries(properties)) expect(found?.[name], name).toEqual(value);
  });

  it('and what exists without it', () => {
    for (const [type, byId] of Object.entries(kept))
      expect(Object.keys(edge.resources(type))).toEqual(expect.arrayContaining(Object.keys(byId)));
  });
});

describe('an update keeps the queues of rules', () => {
  const rules = new Synthesised(withRules);

  it('by their logical ids', () => {
    const queues = Object.keys(rules.resources('AWS::SQS::Queue')).filter((id) => id.startsWith('Rules'));
    expect(queues.sort()).toMatchInlineSnapshot(`
      [
        "RulesKafkaDeadLetters277D05E2",
        "RulesKafkaQueue4E779593",
        "RulesRecordsDeadLettersFA3DC739",
        "RulesRecordsQueue98106DEC",
      ]
    `);
  });

  it('and what exists without them', () => {
    for (const [type, byId] of Object.entries(kept))
      expect(Object.keys(rules.resources(type))).toEqual(expect.arrayContaining(Object.keys(byId)));
  });
});

describe('data in production', () => {
  it.each(['AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'])(
    'outlives the stack and its own replacement: %s',
    (type) => {
      // The function that sets the account's log role runs once; its log is not of the service.
      const found = Object.entries(prod.resources(type))
        .filter(([id]) => !id.includes('Setter'))
        .map(([, resource]) => resource);
      expect(found.length).toBeGreaterThan(0);
      for (const resource of found)
        expect(resource).toMatchObject({
          DeletionPolicy: 'RetainExceptOnCreate',
          UpdateReplacePolicy: 'Retain',
        });
    },
  );
});

describe('the secondary indexes', () => {
  it('are added one by one: CloudFormation creates or deletes one of a table per update', () => {
    const indexes = Object.entries(prod.resources('AWS::DynamoDB::Table')).map(([id, { Properties }]) => [
      id,
      (Properties.GlobalSecondaryIndexes ?? []).map((index: { IndexName: string }) => index.IndexName),
    ]);
    expect(Object.fromEntries(indexes.filter(([, names]) => names.length > 0))).toEqual({
      TablesSessions486350CB: ['byTenant'],
      TablesTenantsE95A5149: ['byPart'],
    });
  });
});
