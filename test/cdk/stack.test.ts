import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { describe, expect, it } from 'vitest';
import { capitalised } from '../../cdk/constructs/tables.ts';
import { type FunctionName, functionNames, presets } from '../../cdk/settings.ts';
import { defaultSettings } from '../../lib/core/settings.ts';
import { tableNames, tableSchemas } from '../../lib/store/schema.ts';
import { Synthesised } from './synthesise.ts';

const prod = new Synthesised(presets.prod);
const dev = new Synthesised(presets.dev);

const serviceFunction = (name: FunctionName, stack = prod) =>
  stack.one('AWS::Lambda::Function', capitalised(name));

describe('tables', () => {
  it.each(tableNames)('%s has the keys and the expiry of the schema', (kind) => {
    const { partitionKey, sortKey, timeToLive, indexes = {} } = tableSchemas[kind];
    const { Properties } = prod.one('AWS::DynamoDB::Table', `Tables${capitalised(kind)}`);
    expect(Properties.KeySchema).toEqual([
      { AttributeName: partitionKey, KeyType: 'HASH' },
      ...(sortKey === undefined ? [] : [{ AttributeName: sortKey, KeyType: 'RANGE' }]),
    ]);
    for (const { AttributeType } of Properties.AttributeDefinitions) expect(AttributeType).toBe('S');
    expect(Properties.GlobalSecondaryIndexes ?? []).toEqual(
      Object.entries(indexes).map(([IndexName, index]) => ({
        IndexName,
        KeySchema: [
          { AttributeName: index.partitionKey, KeyType: 'HASH' },
          { AttributeName: index.sortKey, KeyType: 'RANGE' },
        ],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      })),
    );
    expect(Properties.TimeToLiveSpecification).toEqual(
      timeToLive === undefined ? undefined : { AttributeName: timeToLive, Enabled: true },
    );
    expect(Properties.BillingMode).toBe('PAY_PER_REQUEST');
    expect(Properties.TableName).toBeUndefined();
  });

  it('are retained in production and deleted in development', () => {
    for (const table of Object.values(prod.resources('AWS::DynamoDB::Table'))) {
      expect(table.DeletionPolicy).toBe('RetainExceptOnCreate');
      expect(table.Properties.DeletionProtectionEnabled).toBe(true);
      expect(table.Properties.PointInTimeRecoverySpecification).toEqual({
        PointInTimeRecoveryEnabled: true,
        RecoveryPeriodInDays: 35,
      });
    }
    for (const table of Object.values(dev.resources('AWS::DynamoDB::Table'))) {
      expect(table.DeletionPolicy).toBe('Delete');
      expect(table.Properties.DeletionProtectionEnabled).toBe(false);
      expect(table.Properties.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled).toBe(false);
    }
  });
});

describe('functions', () => {
  it.each(functionNames)('%s runs on arm64 and the newest Node runtime the library offers', (name) => {
    const { Properties } = serviceFunction(name);
    expect(Properties.Runtime).toBe(Runtime.NODEJS_LATEST.name);
    expect(Properties.Architectures).toEqual(['arm64']);
    expect(Properties.Handler).toBe('index.handler');
    expect(Properties.MemorySize).toBe(presets.prod.memoryMegabytes[name]);
  });

  it.each(functionNames)('%s logs JSON to a group that expires', (name) => {
    const { LoggingConfig } = serviceFunction(name).Properties;
    const logs = prod.one('AWS::Logs::LogGroup', `${capitalised(name)}Logs`);
    expect(LoggingConfig).toMatchObject({
      LogFormat: 'JSON',
      ApplicationLogLevel: 'INFO',
      SystemLogLevel: 'WARN',
      LogGroup: { Ref: logs.id },
    });
    expect(logs.Properties.RetentionInDays).toBe(90);
    expect(logs.DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(dev.one('AWS::Logs::LogGroup', `${capitalised(name)}Logs`).DeletionPolicy).toBe('Delete');
  });

  it('time out before API Gateway does', () => {
    expect(serviceFunction('message').Properties.Timeout).toBe(28);
    expect(serviceFunction('disconnect').Properties.Timeout).toBe(28);
    expect(serviceFunction('connect').Properties.Timeout).toBe(10);
  });

  it.each(functionNames)('%s has variables for exactly what it may use', (name) => {
    const always = ['LOG_LEVEL', 'POWERTOOLS_SERVICE_NAME', 'TIMER_QUEUE_URL'];
    const publishing = [
      'CALLBACK_ENDPOINT',
      'FANOUT_QUEUE_URL',
      'MESSAGES_TABLE',
      'RETAINED_TABLE',
      'SESSIONS_TABLE',
      'SUBSCRIPTIONS_TABLE',
      'USAGE_TABLE',
    ];
    const expected = [
      ...always,
      'CONNECTIONS_TABLE',
      'TENANTS_TABLE',
      ...(name === 'connect' ? [] : publishing),
      ...(name === 'publish' ? ['PUBLISH_ORIGINS'] : []),
      ...(name === 'timer' || name === 'message' ? ['LOOK_QUEUE_URL'] : []),
    ];
    const variables = serviceFunction(name).Properties.Environment.Variables;
    expect(Object.keys(variables).sort()).toEqual(expected.sort());
    for (const kind of tableNames.filter((kind) => `${kind.toUpperCase()}_TABLE` in variables)) {
      const table = prod.one('AWS::DynamoDB::Table', `Tables${capitalised(kind)}`);
      expect(variables[`${kind.toUpperCase()}_TABLE`]).toEqual({ Ref: table.id });
    }
  });

  it('take the callback endpoint from the API, not from a domain name', () => {
    const api = prod.one('AWS::ApiGatewayV2::Api', 'Gateway');
    const variables = serviceFunction('message').Properties.Environment.Variables;
    expect(variables.CALLBACK_ENDPOINT).toEqual({
      'Fn::Join': [
        '',
        [
          'https://',
          { Ref: api.id },
          '.execute-api.',
          { Ref: 'AWS::Region' },
          '.',
          { Ref: 'AWS::URLSuffix' },
          '/mqtt',
        ],
      ],
    });
  });
});

describe('gateway', () => {
  const routes = Object.entries(prod.resources('AWS::ApiGatewayV2::Route'))
    .filter(([id]) => id.startsWith('Gateway'))
    .map(([, route]) => route.Properties);

  it.each([
    ['$connect', 'connect'],
    ['$default', 'message'],
    ['oneway', 'message'],
    ['$disconnect', 'disconnect'],
  ] as const)('%s is served by %s as a proxy, and by nothing else', (routeKey, name) => {
    const route = routes.find((it) => it.RouteKey === routeKey);
    const [, target] = route?.Target['Fn::Join'][1] ?? [];
    const { Properties } = prod.one('AWS::ApiGatewayV2::Integration', target.Ref);
    expect(Properties.IntegrationType).toBe('AWS_PROXY');
    expect(Properties.TimeoutInMillis).toBe(29_000);
    const functionId = serviceFunction(name).id;
    expect(JSON.stringify(Properties.IntegrationUri)).toContain(functionId);
    const permitted = Object.values(prod.resources('AWS::Lambda::Permission'))
      .filter(({ Properties }) => JSON.stringify(Properties.FunctionName).includes(functionId))
      .map(({ Properties }) => /\*([$\w]+)"/.exec(JSON.stringify(Properties.SourceArn))?.[1]);
    expect(permitted.sort()).toEqual(name === 'message' ? ['$default', 'oneway'] : [routeKey]);
  });

  it('sends JSON with an action to the route of that name', () => {
    const api = prod.one('AWS::ApiGatewayV2::Api', 'Gateway').Properties;
    expect(api.RouteSelectionExpression).toBe('$request.body.action');
  });

  it('has four routes, of which $default alone answers', () => {
    expect(routes).toHaveLength(4);
    const answering = routes.filter((route) => route.RouteResponseSelectionExpression !== undefined);
    expect(answering.map((route) => [route.RouteKey, route.RouteResponseSelectionExpression])).toEqual([
      ['$default', '$default'],
    ]);
    const response = prod.one('AWS::ApiGatewayV2::RouteResponse').Properties;
    expect(response.RouteResponseKey).toBe('$default');
    const defaultRoute = Object.entries(prod.resources('AWS::ApiGatewayV2::Route')).find(
      ([, route]) => route.Properties.RouteKey === '$default',
    );
    expect(response.RouteId).toEqual({ Ref: defaultRoute?.[0] });
  });

  it('has one stage that deploys itself and logs every access', () => {
    const stage = prod.one('AWS::ApiGatewayV2::Stage', 'Gateway');
    const logs = prod.one('AWS::Logs::LogGroup', 'GatewayAccessLogs');
    expect(stage.Properties).toMatchObject({
      StageName: 'mqtt',
      AutoDeploy: true,
    });
    expect(JSON.stringify(stage.Properties.AccessLogSettings.DestinationArn)).toContain(logs.id);
    expect(logs.Properties.RetentionInDays).toBe(90);
  });

  it('keeps tokens out of access logs', () => {
    const format: string = prod.one('AWS::ApiGatewayV2::Stage', 'Gateway').Properties.AccessLogSettings
      .Format;
    expect(JSON.parse(format)).toMatchObject({ requestId: '$context.requestId' });
    const variables = format.match(/\$[a-zA-Z.]+/g) ?? [];
    expect(variables.length).toBeGreaterThan(10);
    for (const variable of variables) expect(variable).toMatch(/^\$context\./);
    expect(format).not.toMatch(/authoriz|query|header|path|body/i);
  });

  it("sets and retains API Gateway's log role before the stage needs it, unless the account has one", () => {
    const setting = prod.one('Custom::WispLogRole');
    expect(prod.resources('AWS::ApiGateway::Account')).toEqual({});
    expect(prod.one('AWS::ApiGatewayV2::Stage', 'Gateway').DependsOn).toContain(setting.id);
    const forced = new Synthesised({ ...presets.prod, apiGatewayLogRole: 'create' });
    const account = forced.one('AWS::ApiGateway::Account');
    expect(account.DeletionPolicy).toBe('Retain');
    expect(forced.one('AWS::IAM::Role', 'GatewayLogRole').DeletionPolicy).toBe('Retain');
    expect(forced.one('AWS::ApiGatewayV2::Stage', 'Gateway').DependsOn).toContain(account.id);
    const without = new Synthesised({ ...presets.prod, apiGatewayLogRole: 'existing' });
    expect(without.resources('AWS::ApiGateway::Account')).toEqual({});
    expect(without.resources('Custom::WispLogRole')).toEqual({});
  });
});

describe('the HTTP API', () => {
  const routes = Object.entries(prod.resources('AWS::ApiGatewayV2::Route'))
    .filter(([id]) => id.startsWith('Http'))
    .map(([, route]) => route.Properties);

  it.each([
    ['ANY /admin/{proxy+}', 'AWS_IAM', 'admin'],
    ['POST /publish', 'NONE', 'publish'],
    ['POST /publish/{topic+}', 'NONE', 'publish'],
    ['OPTIONS /publish', 'NONE', 'publish'],
    ['OPTIONS /publish/{topic+}', 'NONE', 'publish'],
  ] as const)('%s is authorised by %s and served by %s', (routeKey, authorisation, name) => {
    const route = routes.find((it) => it.RouteKey === routeKey);
    expect(route?.AuthorizationType).toBe(authorisation);
    const [, target] = route?.Target['Fn::Join'][1] ?? [];
    const { Properties } = prod.one('AWS::ApiGatewayV2::Integration', target.Ref);
    expect(Properties).toMatchObject({
      IntegrationType: 'AWS_PROXY',
      PayloadFormatVersion: '2.0',
      TimeoutInMillis: 29_000,
    });
    expect(JSON.stringify(Properties.IntegrationUri)).toContain(serviceFunction(name).id);
  });

  it('has no other route', () => {
    expect(routes).toHaveLength(5);
  });

  it('is throttled and logs every request, without what names clients, topics or tokens', () => {
    const stage = prod.one('AWS::ApiGatewayV2::Stage', 'Http').Properties;
    expect(stage).toMatchObject({
      StageName: '$default',
      DefaultRouteSettings: { ThrottlingRateLimit: 400, ThrottlingBurstLimit: 200 },
    });
    expect(stage.AccessLogSettings.Format).not.toMatch(/authoriz|query|header|path|body/i);
  });
});

describe('timers', () => {
  const deadLetters = prod.one('AWS::SQS::Queue', 'TimersDeadLetters');
  const queue = prod.one('AWS::SQS::Queue', 'TimersQueue');

  it('are received five times, then kept in the dead-letter queue for two weeks', () => {
    expect(queue.Properties.RedrivePolicy).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters.id, 'Arn'] },
      maxReceiveCount: 5,
    });
    expect(deadLetters.Properties.MessageRetentionPeriod).toBe(14 * 24 * 60 * 60);
  });

  it('wait in a standard queue, because FIFO queues have no delay per message', () => {
    expect(queue.Properties.FifoQueue).toBeUndefined();
    expect(queue.Properties.SqsManagedSseEnabled).toBe(true);
  });

  it('reach the timer function, with partial batch responses and time for its retries', () => {
    const timer = serviceFunction('timer');
    const mappings = Object.entries(prod.resources('AWS::Lambda::EventSourceMapping'))
      .filter(([id]) => id.startsWith('Timer'))
      .map(([, { Properties }]) => Properties);
    const mapping = {
      FunctionName: { Ref: timer.id },
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 50 },
    };
    expect(mappings).toHaveLength(2);
    expect(mappings).toContainEqual(
      expect.objectContaining({ ...mapping, EventSourceArn: { 'Fn::GetAtt': [queue.id, 'Arn'] } }),
    );
    const looks = prod.one('AWS::SQS::Queue', 'TimersLooks');
    expect(mappings).toContainEqual(
      expect.objectContaining({
        ...mapping,
        EventSourceArn: { 'Fn::GetAtt': [looks.id, 'Arn'] },
        MaximumBatchingWindowInSeconds: 2,
      }),
    );
    expect(queue.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * timer.Properties.Timeout);
  });

  it('may be chained without limit by the timer function, Wills by the fan-out function, by no other', () => {
    const looping = functionNames.filter(
      (name) => serviceFunction(name).Properties.RecursiveLoop === 'Allow',
    );
    expect(looping).toEqual(['timer', 'fanout']);
  });
});

describe('slices of fan-outs', () => {
  const deadLetters = prod.one('AWS::SQS::Queue', 'SlicesDeadLetters');
  const queue = prod.one('AWS::SQS::Queue', 'SlicesQueue');

  it('wait in a FIFO queue whose groups do not share one throughput', () => {
    for (const { Properties } of [queue, deadLetters]) {
      expect(Properties).toMatchObject({ FifoQueue: true, SqsManagedSseEnabled: true });
      expect(Properties.MessageRetentionPeriod).toBe(defaultSettings.sharedMessageSeconds);
    }
    expect(queue.Properties).toMatchObject({
      DeduplicationScope: 'messageGroup',
      FifoThroughputLimit: 'perMessageGroupId',
    });
    expect(queue.Properties.ContentBasedDeduplication).toBeUndefined();
  });

  it('are received 50 times, because continuing counts too, then kept in the dead-letter queue', () => {
    expect(queue.Properties.RedrivePolicy).toEqual({
      deadLetterTargetArn: { 'Fn::GetAtt': [deadLetters.id, 'Arn'] },
      maxReceiveCount: 50,
    });
  });

  it('reach the fan-out function, with partial batch responses and time for its retries', () => {
    const fanout = serviceFunction('fanout');
    expect(prod.one('AWS::Lambda::EventSourceMapping', 'Fanout').Properties).toMatchObject({
      EventSourceArn: { 'Fn::GetAtt': [queue.id, 'Arn'] },
      FunctionName: { Ref: fanout.id },
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 100 },
    });
    expect(queue.Properties.VisibilityTimeout).toBeGreaterThanOrEqual(6 * fanout.Properties.Timeout);
    expect(fanout.Properties.Timeout).toBeGreaterThanOrEqual(2 * defaultSettings.sliceSeconds);
    expect(fanout.Properties.Timeout).toBeLessThan(defaultSettings.sendingSeconds);
  });
});

describe('outputs', () => {
  it('name what clients and the wisp command need', () => {
    expect(Object.keys(prod.outputs()).sort()).toEqual([
      'AdminUrl',
      'ConnectionsTableName',
      'MessagesTableName',
      'PublishUrl',
      'RetainedTableName',
      'SessionsTableName',
      'SubscriptionsTableName',
      'TenantsTableName',
      'TimerQueueUrl',
      'UsageTableName',
      'WebSocketUrl',
    ]);
    expect(JSON.stringify(prod.outputs().WebSocketUrl)).toMatch(/"wss:\/\/".*"\/mqtt"/);
  });
});

describe('a custom domain', () => {
  const domain = {
    name: 'mqtt.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
    hostedZone: { id: 'Z0123456789', name: 'example.com' },
  };
  const stack = new Synthesised({ ...presets.prod, domain });

  it('maps the path of the stage, so that only the host name of the URL changes', () => {
    expect(stack.one('AWS::ApiGatewayV2::DomainName').Properties).toMatchObject({
      DomainName: 'mqtt.example.com',
      DomainNameConfigurations: [
        { CertificateArn: domain.certificateArn, EndpointType: 'REGIONAL', SecurityPolicy: 'TLS_1_2' },
      ],
    });
    expect(stack.one('AWS::ApiGatewayV2::ApiMapping').Properties).toMatchObject({
      ApiMappingKey: 'mqtt',
      Stage: 'mqtt',
    });
    expect(stack.outputs().WebSocketUrl?.Value).toBe('wss://mqtt.example.com/mqtt');
    expect(stack.outputs().DomainTarget?.Value).toBeDefined();
  });

  it('gets an alias record where a zone is given, and none otherwise', () => {
    expect(stack.one('AWS::Route53::RecordSet').Properties).toMatchObject({
      Name: 'mqtt.example.com.',
      Type: 'A',
      HostedZoneId: 'Z0123456789',
    });
    const { name, certificateArn } = domain;
    const bare = new Synthesised({ ...presets.prod, domain: { name, certificateArn } });
    expect(bare.resources('AWS::Route53::RecordSet')).toEqual({});
  });

  it('leaves the callback endpoint as it is', () => {
    const endpoint = (of: Synthesised) =>
      serviceFunction('message', of).Properties.Environment.Variables.CALLBACK_ENDPOINT;
    expect(endpoint(stack)).toEqual(endpoint(prod));
  });
});
