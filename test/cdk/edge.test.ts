import { describe, expect, it } from 'vitest';
import { access, accessOf, edgeAccess } from '../../cdk/access.ts';
import {
  connectionsPerTask,
  type EdgeFleetSettings,
  fleetDefaults,
  taskSizes,
} from '../../cdk/edge-settings.ts';
import { readSettings } from '../../cdk/read-settings.ts';
import { SettingsError } from '../../cdk/read-values.ts';
import { functionNames, presets } from '../../cdk/settings.ts';
import { certificateArn, certificateSecretArn, withEdge } from './edge-settings.ts';
import { type Resource, Synthesised } from './synthesise.ts';

const withoutRules = { edge: true, rules: false };
const stack = new Synthesised(withEdge);
const { fleet } = withEdge.edge;
const fleetWith = (changes: Partial<EdgeFleetSettings>) =>
  new Synthesised({ ...presets.prod, edge: { fleet: { ...fleet, ...changes } } });

interface Container {
  readonly Name: string;
  readonly Environment: readonly { readonly Name: string; readonly Value: unknown }[];
  // biome-ignore lint/suspicious/noExplicitAny: properties of a template have no type
  readonly [name: string]: any;
}

function containerOf(name: string, of = stack): Container {
  const all: Container[] = of.one('AWS::ECS::TaskDefinition').Properties.ContainerDefinitions;
  const found = all.find(({ Name }) => Name === name);
  if (found === undefined) throw new Error(`the task has no container ${name}`);
  return found;
}

const environmentOf = (of = stack): Record<string, unknown> =>
  Object.fromEntries(containerOf('edge', of).Environment.map(({ Name, Value }) => [Name, Value]));

const attributesOf = ({ Properties }: Resource): Record<string, string> =>
  Object.fromEntries(
    Properties.TargetGroupAttributes.map(({ Key, Value }: { Key: string; Value: string }) => [Key, Value]),
  );

describe('without an edge', () => {
  it('nothing of it exists', () => {
    const off = new Synthesised(presets.prod);
    const types = Object.values(off.template.toJSON().Resources as Record<string, Resource>).map(
      ({ Type }) => Type,
    );
    expect(
      types.filter((type) => /::(EC2|ECS|ElasticLoadBalancing|ApplicationAutoScaling)/.test(type)),
    ).toEqual([]);
    expect(JSON.stringify(off.template.toJSON())).not.toMatch(/BACK_DOOR|BackDoor|Edge/);
  });
});

describe('the network', () => {
  it('is public and has no NAT, and a way of its own to DynamoDB', () => {
    expect(stack.resources('AWS::EC2::NatGateway')).toEqual({});
    expect(stack.resources('AWS::EC2::EIP')).toEqual({});
    expect(Object.keys(stack.resources('AWS::EC2::Subnet'))).toHaveLength(2);
    const endpoint = stack.one('AWS::EC2::VPCEndpoint').Properties;
    expect(endpoint.VpcEndpointType).toBe('Gateway');
    expect(JSON.stringify(endpoint.ServiceName)).toContain('.dynamodb');
    expect(endpoint.RouteTableIds).toHaveLength(2);
  });

  it('needs no function and no image of its own', () => {
    expect(stack.resources('Custom::VpcRestrictDefaultSG')).toEqual({});
    expect(stack.resources('AWS::ECR::Repository')).toEqual({});
    for (const { Image } of ['fetch', 'edge'].map((name) => containerOf(name)))
      expect(Image).toMatch(/^public\.ecr\.aws\//);
  });

  it('lets clients reach the load balancer on its ports, and the load balancer alone reach tasks', () => {
    const clients = stack.one('AWS::EC2::SecurityGroup', 'EdgeFleetBalancerGroup').Properties;
    expect(clients.SecurityGroupIngress.map((rule: { FromPort: number }) => rule.FromPort)).toEqual([
      8883, 443,
    ]);
    const tasks = stack.one('AWS::EC2::SecurityGroup', 'EdgeFleetGroup').Properties;
    expect(tasks.SecurityGroupIngress).toBeUndefined();
    const rules = Object.values(stack.resources('AWS::EC2::SecurityGroupIngress')).map(
      ({ Properties }) => Properties,
    );
    expect(rules.map(({ FromPort }) => FromPort).sort()).toEqual([8080, 8084, 8883]);
    for (const rule of rules) expect(rule.SourceSecurityGroupId).toBeDefined();
  });

  const vpc = { id: 'vpc-0123456789abcdef0', subnetIds: ['subnet-0123456789abcdef0'], isPrivate: false };

  it('may be one of yours, which is used as it is', () => {
    const given = fleetWith({ vpc });
    for (const type of ['VPC', 'Subnet', 'InternetGateway', 'VPCEndpoint', 'NatGateway'])
      expect(given.resources(`AWS::EC2::${type}`)).toEqual({});
    expect(given.one('AWS::ElasticLoadBalancingV2::LoadBalancer').Properties).toMatchObject({
      Scheme: 'internet-facing',
      Subnets: vpc.subnetIds,
    });
    expect(given.one('AWS::ECS::Service').Properties.NetworkConfiguration.AwsvpcConfiguration).toMatchObject({
      AssignPublicIp: 'ENABLED',
      Subnets: vpc.subnetIds,
    });
  });

  it('may be private: then nothing has a public address', () => {
    const given = fleetWith({ vpc: { ...vpc, isPrivate: true } });
    expect(given.one('AWS::ElasticLoadBalancingV2::LoadBalancer').Properties.Scheme).toBe('internal');
    expect(
      given.one('AWS::ECS::Service').Properties.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp,
    ).toBe('DISABLED');
  });
});

it('serves metrics to members of one security group, where it is named', () => {
  expect(environmentOf().EDGE_METRICS).toBeUndefined();
  const given = fleetWith({ metricsFrom: 'sg-0123456789abcdef0' });
  expect(environmentOf(given)).toMatchObject({ EDGE_METRICS: 'on', EDGE_HEALTH_PORT: '8080' });
  const rules = Object.values(given.resources('AWS::EC2::SecurityGroupIngress'));
  const opened = rules.filter(
    ({ Properties }) => Properties.SourceSecurityGroupId === 'sg-0123456789abcdef0',
  );
  expect(opened.map(({ Properties: { FromPort, ToPort } }) => [FromPort, ToPort])).toEqual([[8080, 8080]]);
});

describe('the ports', () => {
  const listenersOf = (of: Synthesised) =>
    Object.values(of.resources('AWS::ElasticLoadBalancingV2::Listener'))
      .map(({ Properties }) => Properties)
      .toSorted((one, other) => one.Port - other.Port);
  const targetPorts = (of: Synthesised) =>
    Object.values(of.resources('AWS::ElasticLoadBalancingV2::TargetGroup')).map(
      ({ Properties }) => Properties.Port,
    );

  it('pass TLS on to the tasks, which read the certificate from the secret', () => {
    expect(listenersOf(stack).map(({ Port, Protocol }) => [Port, Protocol])).toEqual([
      [443, 'TCP'],
      [8883, 'TCP'],
    ]);
    expect(targetPorts(stack).sort()).toEqual([8084, 8883]);
    const environment = environmentOf();
    expect(environment).toMatchObject({
      EDGE_TLS_PORT: '8883',
      EDGE_WSS_PORT: '8084',
      EDGE_HEALTH_PORT: '8080',
      EDGE_CERTIFICATE_SECRET: certificateSecretArn,
    });
    expect(environment).not.toHaveProperty('EDGE_MQTT_PORT');
    expect(environment).not.toHaveProperty('EDGE_WS_PORT');
  });

  it('end TLS at the load balancer with a certificate of ACM', () => {
    const { certificateSecretArn: _, ...rest } = fleet;
    const acm = new Synthesised({ ...presets.prod, edge: { fleet: { ...rest, certificateArn } } });
    for (const listener of listenersOf(acm)) {
      expect(listener.Protocol).toBe('TLS');
      expect(listener.Certificates).toEqual([{ CertificateArn: certificateArn }]);
      expect(listener.SslPolicy).toMatch(/TLS13/);
    }
    expect(targetPorts(acm).sort()).toEqual([1883, 8083]);
    expect(environmentOf(acm)).not.toHaveProperty('EDGE_CERTIFICATE_SECRET');
    expect(JSON.stringify(acm.resources('AWS::IAM::Policy'))).not.toContain(':secret:edge');
  });

  it('are refused where they lack a certificate', () => {
    const lacking = () => new Synthesised({ ...presets.prod, edge: { fleet: fleetDefaults } });
    expect(lacking).toThrow("the edge's port 8883 needs certificateSecretArn or certificateArn");
  });

  it('include clear text only by choice', () => {
    expect(listenersOf(fleetWith({ ports: [8883, 1883] })).map(({ Port }) => Port)).toEqual([1883, 8883]);
    expect(environmentOf(fleetWith({ ports: [1883] }))).toMatchObject({ EDGE_MQTT_PORT: '1883' });
  });

  it('allow a silence longer than any keep-alive in use', () => {
    for (const { ListenerAttributes } of listenersOf(stack))
      expect(ListenerAttributes).toEqual([{ Key: 'tcp.idle_timeout.seconds', Value: '6000' }]);
  });
});

describe('a task that ends', () => {
  const groups = Object.values(stack.resources('AWS::ElasticLoadBalancingV2::TargetGroup'));

  it('has more time than the process takes to send its clients away', () => {
    const { StopTimeout } = containerOf('edge');
    const stopSeconds = Number(environmentOf().EDGE_STOP_SECONDS);
    expect(stopSeconds).toBeGreaterThan(60);
    expect(StopTimeout).toBeGreaterThanOrEqual(stopSeconds + 10);
    // The most that Fargate allows.
    expect(StopTimeout).toBeLessThanOrEqual(120);
  });

  it('keeps its clients when it says that it drains, and gets no new ones', () => {
    expect(groups).toHaveLength(2);
    for (const group of groups) {
      expect(attributesOf(group)).toEqual({
        'deregistration_delay.timeout_seconds': '10',
        'deregistration_delay.connection_termination.enabled': 'false',
        'target_health_state.unhealthy.connection_termination.enabled': 'false',
        'preserve_client_ip.enabled': 'true',
      });
      expect(group.Properties).toMatchObject({
        HealthCheckProtocol: 'HTTP',
        HealthCheckPath: '/health',
        HealthCheckPort: '8080',
        TargetType: 'ip',
      });
    }
  });

  it('is replaced before it goes, and a version that does not start is taken back', () => {
    const { Properties } = stack.one('AWS::ECS::Service');
    expect(Properties.DeploymentConfiguration).toMatchObject({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
    // An update would otherwise take back what scaling has added.
    expect(Properties).not.toHaveProperty('DesiredCount');
  });
});

describe('the task', () => {
  it('is the smallest of Fargate on arm64', () => {
    expect(stack.one('AWS::ECS::TaskDefinition').Properties).toMatchObject({
      Cpu: '256',
      Memory: '512',
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      RequiresCompatibilities: ['FARGATE'],
    });
  });

  it('fetches one file, then runs it as a user without rights, on a file system that stays as it is', () => {
    const [fetch, edge] = [containerOf('fetch'), containerOf('edge')];
    expect(fetch).toMatchObject({ Essential: false });
    const [service, command, , source, target] = fetch.Command;
    expect([service, command, target]).toEqual(['s3', 'cp', '/bundle/edge.mjs']);
    expect(JSON.stringify(source)).toMatch(/s3:\/\/cdk-hnb659fds-assets-/);
    expect(edge).toMatchObject({
      EntryPoint: ['node'],
      Command: ['/bundle/edge.mjs'],
      User: 'node',
      ReadonlyRootFilesystem: true,
      Essential: true,
      DependsOn: [{ ContainerName: 'fetch', Condition: 'SUCCESS' }],
      MountPoints: [{ ContainerPath: '/bundle', ReadOnly: true, SourceVolume: 'bundle' }],
    });
    expect(edge.LogConfiguration.Options.mode).toBe('non-blocking');
  });

  it('is told everything that the functions are told whose work it does', () => {
    const functions = ['Connect', 'Message', 'Disconnect'].flatMap((id) =>
      Object.keys(stack.one('AWS::Lambda::Function', id).Properties.Environment.Variables),
    );
    expect(Object.keys(environmentOf())).toEqual(expect.arrayContaining([...new Set(functions)]));
    expect(JSON.stringify(environmentOf().BACK_DOOR_URL)).toMatch(/"wss:\/\/".*"\/door"/);
    expect(JSON.stringify(environmentOf().BACK_DOOR_ENDPOINT)).toMatch(/"https:\/\/".*"\/door"/);
  });

  it('is one of at least two, and more of them start by processor and by connections', () => {
    expect(stack.one('AWS::ApplicationAutoScaling::ScalableTarget').Properties).toMatchObject({
      MinCapacity: 2,
      MaxCapacity: 10,
    });
    const policies = Object.values(stack.resources('AWS::ApplicationAutoScaling::ScalingPolicy')).map(
      ({ Properties }) => Properties.TargetTrackingScalingPolicyConfiguration,
    );
    expect(policies).toMatchObject([
      { PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' } },
      {
        CustomizedMetricSpecification: { MetricName: 'EdgeConnections', Statistic: 'Average' },
        TargetValue: connectionsPerTask(fleet),
      },
    ]);
  });

  it('of any size gets connections that its memory and its descriptors hold', () => {
    const sizes = Object.values(taskSizes).flat();
    for (const memoryMegabytes of sizes) {
      const connections = connectionsPerTask({ memoryMegabytes });
      expect(connections).toBeGreaterThanOrEqual(5_000);
      expect(connections).toBeLessThan(65_535);
      expect((connections * 40) / 1_024).toBeLessThan(0.7 * memoryMegabytes);
    }
  });
});

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}
const list = <Value>(value: Value | Value[]): Value[] => (Array.isArray(value) ? value : [value]);

describe('permissions', () => {
  const roleOf = (prefix: string): Statement[] =>
    stack.one('AWS::IAM::Policy', prefix).Properties.PolicyDocument.Statement;
  const managed: Statement[] = stack.one('AWS::IAM::ManagedPolicy').Properties.PolicyDocument.Statement;

  it('of a process name every action, and wildcards only for connection ids and names of secrets', () => {
    const own = roleOf('EdgeFleetTaskRole');
    for (const { Effect, Action, Resource } of [...managed, ...own]) {
      expect(Effect).toBe('Allow');
      for (const action of list(Action)) expect(action).not.toMatch(/\*|Scan|Transact|PartiQL/);
      for (const resource of list(Resource)) {
        const text = JSON.stringify(resource);
        if (text.includes('*'))
          expect(text).toMatch(/\/(POST|GET|DELETE)\/@connections\/\*"|":secret:wisp\/\*"/);
      }
    }
    expect(own.map(({ Action }) => Action)).toEqual(['s3:GetObject', 'secretsmanager:GetSecretValue']);
    expect(own[1]?.Resource).toBe(certificateSecretArn);
  });

  it('of a process are those of the functions whose work it does', () => {
    const { connect, message, disconnect } = access;
    for (const { tables } of [connect, message, disconnect])
      for (const [kind, actions] of Object.entries(tables))
        expect(edgeAccess.tables[kind as keyof typeof tables]).toEqual(expect.arrayContaining([...actions]));
    expect(edgeAccess).toMatchObject({ connections: true, timers: true, looks: true, issuerSecrets: true });
    expect(edgeAccess.tables.tenants).not.toContain('PutItem');
    const invoked = managed.filter(({ Action }) => Action === 'execute-api:Invoke');
    expect(JSON.stringify(invoked.map(({ Resource }) => Resource))).toMatch(/"\/door\/\$connect"/);
  });

  it('of functions that end connections include the back door; only that of timers declares death', () => {
    for (const name of functionNames) {
      const id = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
      const text = JSON.stringify(roleOf(`${id}RoleDefaultPolicy`));
      const { Variables } = stack.one('AWS::Lambda::Function', id).Properties.Environment;
      expect(text.includes('/door/POST/@connections/*')).toBe(name !== 'connect');
      expect('BACK_DOOR_ENDPOINT' in Variables).toBe(name !== 'connect');
      expect(text).not.toMatch(/\/door\/(GET|DELETE)/);
      if (name !== 'timer') expect(accessOf(name, withoutRules)).toBe(access[name]);
    }
    expect(accessOf('timer', withoutRules).tables.connections).toContain('UpdateItem');
    expect(accessOf('timer', withoutRules).indexes).toEqual(access.timer.indexes);
  });
});

describe('the back door', () => {
  const routes = Object.entries(stack.resources('AWS::ApiGatewayV2::Route'))
    .filter(([id]) => id.startsWith('EdgeDoor'))
    .map(([, { Properties }]) => Properties);

  it('asks for AWS credentials, answers on $default, and knows no other route', () => {
    expect(
      Object.fromEntries(routes.map(({ RouteKey, AuthorizationType }) => [RouteKey, AuthorizationType])),
    ).toEqual({ $connect: 'AWS_IAM', $default: 'NONE', $disconnect: 'NONE' });
    expect(
      routes.filter((route) => route.RouteResponseSelectionExpression).map(({ RouteKey }) => RouteKey),
    ).toEqual(['$default']);
  });

  it('tells processes elsewhere the bus of lifecycle events, if there is one', () => {
    expect(stack.outputs()).not.toHaveProperty('EventBusName');
    const told = new Synthesised({ ...presets.prod, eventBusName: 'devices', edge: {} });
    expect(told.outputs()).toHaveProperty('EventBusName');
    const policies = Object.values(told.resources('AWS::IAM::ManagedPolicy'));
    expect(JSON.stringify(policies)).toContain(':event-bus/devices');
  });

  it('is all that a deployment without tasks of its own has, with the permissions', () => {
    const external = new Synthesised({ ...presets.prod, edge: {} });
    expect(external.resources('AWS::ECS::Service')).toEqual({});
    expect(external.resources('AWS::EC2::VPC')).toEqual({});
    expect(external.outputs()).not.toHaveProperty('EdgeEndpoint');
    for (const output of ['BackDoorUrl', 'BackDoorEndpoint', 'EdgePolicyArn', 'CallbackEndpoint'])
      expect(external.outputs()).toHaveProperty(output);
    expect(Object.keys(external.resources('AWS::CloudWatch::Alarm')).join()).not.toMatch(/EdgeDown/);
  });
});

describe('the alarms of the edge', () => {
  const alarms = stack.resources('AWS::CloudWatch::Alarm');

  it('are six, of which one counts silence as a fault', () => {
    const own = Object.entries(alarms).filter(([id]) => /^Monitoring(Edge|BackDoor)/.test(id));
    expect(own).toHaveLength(6);
    const silent = own.filter(([, { Properties }]) => Properties.TreatMissingData === 'breaching');
    expect(silent.map(([id]) => id)).toEqual([expect.stringMatching(/^MonitoringEdgeDown/)]);
  });
});

describe('the settings of the edge', () => {
  const read = (values: Record<string, unknown>, region?: string) =>
    readSettings((name) => ({ stage: 'prod', ...values })[name], region).edge;
  const on = { edge: 'on', edgeCertificateSecret: certificateSecretArn };

  it('are none by default, and few with edge=on', () => {
    expect(read({})).toBeUndefined();
    expect(read({ edge: 'off' })).toBeUndefined();
    expect(read({ edge: 'external' })).toEqual({});
    expect(read(on)).toEqual(withEdge.edge);
  });

  it('change ports, certificate, network, images and sizes', () => {
    const changed = read({
      edge: 'on',
      edgePorts: '8883, 1883',
      edgeCertificateArn: certificateArn,
      edgeVpc: 'vpc-0123456789abcdef0',
      edgeSubnets: 'subnet-01234567, subnet-89abcdef',
      edgePrivate: 'true',
      edgeImage: `registry.example:5000/node@sha256:${'0'.repeat(64)}`,
      edgeCpuUnits: '1024',
      edgeMemoryMegabytes: 4_096,
      edgeMinTasks: '20',
    });
    expect(changed?.fleet).toEqual({
      ports: [8883, 1883],
      certificateArn,
      vpc: {
        id: 'vpc-0123456789abcdef0',
        subnetIds: ['subnet-01234567', 'subnet-89abcdef'],
        isPrivate: true,
      },
      image: `registry.example:5000/node@sha256:${'0'.repeat(64)}`,
      fetchImage: fleet.fetchImage,
      cpuUnits: 1_024,
      memoryMegabytes: 4_096,
      minTasks: 20,
      maxTasks: 20,
    });
    expect(read({ edge: 'on', edgePorts: 1883 })?.fleet).toMatchObject({ ports: [1883] });
  });

  it.each([
    ['an unknown choice', { edge: 'yes' }, 'edge: one of off, on, external'],
    ['settings without an edge', { edgePorts: '8883' }, 'edgePorts: means nothing without edge=on'],
    [
      'settings of tasks that are not there',
      { edge: 'external', edgeVpc: 'vpc-1' },
      'edgeVpc: means nothing',
    ],
    ['an unknown port', { ...on, edgePorts: '8883,8884' }, 'edgePorts: any of 443, 1883, 8883'],
    ['a port twice', { ...on, edgePorts: '8883,8883' }, 'edgePorts: any of'],
    ['no certificate', { edge: 'on' }, 'edgeCertificateSecret or edgeCertificateArn: ports 8883 and 443'],
    ['two certificates', { ...on, edgeCertificateArn: certificateArn }, 'need one of the two'],
    ['a certificate for clear text', { ...on, edgePorts: '1883' }, 'a certificate means nothing'],
    ['a name as secret', { edge: 'on', edgeCertificateSecret: 'edge' }, 'edgeCertificateSecret: not the ARN'],
    ['subnets without VPC', { ...on, edgeSubnets: 'subnet-01234567' }, 'edgeVpc is missing'],
    ['a VPC without subnets', { ...on, edgeVpc: 'vpc-01234567' }, 'edgeSubnets: ids of subnets'],
    ['a name as VPC', { ...on, edgeVpc: 'main' }, 'edgeVpc: an id such as'],
    ['a name as security group', { ...on, edgeMetricsFrom: 'monitoring' }, 'edgeMetricsFrom: the id of'],
    ['an image without tag', { ...on, edgeImage: 'node' }, 'edgeImage: NAME:TAG'],
    ['a size that Fargate lacks', { ...on, edgeCpuUnits: '300' }, 'edgeCpuUnits: one of 256, 512, 1024'],
    [
      'memory that does not go with the CPU',
      { ...on, edgeMemoryMegabytes: '4096' },
      'edgeMemoryMegabytes: with 256 CPU units one of 512, 1024, 2048',
    ],
    [
      'fewer tasks than the smallest number',
      { ...on, edgeMinTasks: '3', edgeMaxTasks: '2' },
      'edgeMaxTasks: at',
    ],
  ])('refuses %s in one line', (_what, values, message) => {
    expect(() => read(values)).toThrow(SettingsError);
    expect(() => read(values)).toThrow(message);
    expect(() => read(values)).toThrow(/^[^\n]+$/);
  });

  it('refuses a certificate of another region where the region is known', () => {
    expect(() => read(on, 'us-east-1')).toThrow('it is in eu-west-1, the stack in us-east-1');
    expect(read(on, 'eu-west-1')).toEqual(withEdge.edge);
  });
});
