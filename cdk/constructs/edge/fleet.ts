import { Duration, Size, Stack, Validations } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AwsLogDriverMode,
  Cluster,
  ContainerDependencyCondition,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { metrics, metricsNamespace } from '../../../lib/core/metrics.ts';
import { connectionsPerTask, type EdgeFleetSettings } from '../../edge-settings.ts';
import type { StageSettings } from '../../settings.ts';
import { removalPolicyOf } from '../removal.ts';
import { Balancer } from './balancer.ts';
import { edgeBundle } from './bundle.ts';
import type { EdgePolicy } from './edge-policy.ts';
import { edgeListeners, healthPort } from './listeners.ts';
import { type EdgeNetwork, edgeNetwork } from './network.ts';

/** The most that Fargate allows between SIGTERM and SIGKILL. */
const stopTimeout = Duration.seconds(120);

/** Within which the process sends its clients away after SIGTERM. */
const stopSeconds = 110;

const containerName = 'edge';
const bundlePath = '/bundle';

/**
 * Tasks of Fargate that run the bundle of lib/edge, without an image of our own: a public image
 * with Node runs what a first container has fetched from the bucket of CDK's assets.
 */
export class Fleet extends Construct {
  readonly balancer: Balancer;
  readonly service: FargateService;

  constructor(
    scope: Construct,
    id: string,
    settings: StageSettings,
    fleet: EdgeFleetSettings,
    policy: EdgePolicy,
  ) {
    super(scope, id);
    const network = edgeNetwork(this, fleet.vpc);
    const bundle = edgeBundle(this, 'Bundle');
    const taskDefinition = this.#taskDefinition(settings, fleet, policy, bundle);
    this.service = this.#service(taskDefinition, network);
    this.balancer = new Balancer(this, 'Balancer', fleet, network);
    this.balancer.connect(this.service, containerName);
    if (fleet.metricsFrom !== undefined)
      this.service.connections.allowFrom(
        SecurityGroup.fromSecurityGroupId(this, 'MetricsFrom', fleet.metricsFrom, { mutable: false }),
        Port.tcp(healthPort),
      );
    this.#scale(settings, fleet);
  }

  #taskDefinition(
    settings: StageSettings,
    fleet: EdgeFleetSettings,
    policy: EdgePolicy,
    bundle: Asset,
  ): FargateTaskDefinition {
    const { certificateSecretArn } = fleet;
    const { region } = Stack.of(this);
    const taskRole = new Role(this, 'TaskRole', {
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com'),
      managedPolicies: [policy.grants],
    });
    const bundleArn = `${bundle.bucket.bucketArn}/${bundle.s3ObjectKey}`;
    taskRole.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [bundleArn] }));
    if (certificateSecretArn !== undefined)
      taskRole.addToPolicy(
        new PolicyStatement({
          actions: ['secretsmanager:GetSecretValue'],
          resources: [certificateSecretArn],
        }),
      );
    const taskDefinition = new FargateTaskDefinition(this, 'Task', {
      cpu: fleet.cpuUnits,
      memoryLimitMiB: fleet.memoryMegabytes,
      runtimePlatform: {
        cpuArchitecture: CpuArchitecture.ARM64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      taskRole,
      volumes: [{ name: 'bundle' }],
    });
    Validations.of(taskDefinition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'Names of tables and queues, as the functions have; the only secret is read by its ARN.',
    });
    const logGroup = new LogGroup(this, 'Logs', {
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
    // Blocking, the default, would stop the broker where the log cannot be written.
    const logging = LogDrivers.awsLogs({
      logGroup,
      streamPrefix: 'edge',
      mode: AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: Size.mebibytes(4),
    });
    const fetch = taskDefinition.addContainer('fetch', {
      image: ContainerImage.fromRegistry(fleet.fetchImage),
      command: ['s3', 'cp', '--no-progress', bundle.s3ObjectUrl, `${bundlePath}/edge.mjs`],
      environment: { AWS_REGION: region },
      essential: false,
      logging,
    });
    fetch.addMountPoints({ sourceVolume: 'bundle', containerPath: bundlePath, readOnly: false });
    const listeners = edgeListeners(fleet);
    const edge = taskDefinition.addContainer(containerName, {
      image: ContainerImage.fromRegistry(fleet.image),
      entryPoint: ['node'],
      command: [`${bundlePath}/edge.mjs`],
      user: 'node',
      readonlyRootFilesystem: true,
      stopTimeout,
      environment: {
        ...policy.environment,
        AWS_REGION: region,
        ...Object.fromEntries(listeners.map(({ variable, taskPort }) => [variable, String(taskPort)])),
        EDGE_HEALTH_PORT: String(healthPort),
        ...(fleet.metricsFrom === undefined ? {} : { EDGE_METRICS: 'on' }),
        EDGE_STOP_SECONDS: String(stopSeconds),
        // An eighth of the memory, as in 512 MB by default.
        EDGE_BUFFER_MEGABYTES: String(fleet.memoryMegabytes / 8),
        ...(certificateSecretArn === undefined ? {} : { EDGE_CERTIFICATE_SECRET: certificateSecretArn }),
      },
      portMappings: [...new Set([...listeners.map(({ taskPort }) => taskPort), healthPort])].map(
        (containerPort) => ({ containerPort }),
      ),
      logging,
    });
    edge.addMountPoints({ sourceVolume: 'bundle', containerPath: bundlePath, readOnly: true });
    edge.addContainerDependencies({ container: fetch, condition: ContainerDependencyCondition.SUCCESS });
    taskDefinition.defaultContainer = edge;
    return taskDefinition;
  }

  /**
   * The number of tasks is not in the template: an update would set it back to the smallest and
   * disconnect the clients of the others.
   */
  #service(taskDefinition: FargateTaskDefinition, { vpc, subnets, isPublic }: EdgeNetwork): FargateService {
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.DISABLED });
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason: 'Container Insights is billed by task; CPU, memory and connections are measured without it.',
    });
    return new FargateService(this, 'Service', {
      // As of a VPC: edgeNetwork.
      cluster: cluster as ICluster,
      taskDefinition,
      vpcSubnets: { subnets: [...subnets] },
      assignPublicIp: isPublic,
      securityGroups: [
        new SecurityGroup(this, 'Group', { vpc, description: 'Tasks of the edge', allowAllOutbound: true }),
      ],
      // A new version runs beside the old one before that sends its clients away.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
      healthCheckGracePeriod: Duration.minutes(2),
    });
  }

  /**
   * By processor and by connections, whichever asks for more. Scaling in disconnects clients, so it
   * waits for a quarter of an hour each time.
   */
  #scale({ stackName }: StageSettings, fleet: EdgeFleetSettings): void {
    const scaling = this.service.autoScaleTaskCount({
      minCapacity: fleet.minTasks,
      maxCapacity: fleet.maxTasks,
    });
    const cooldowns = {
      scaleOutCooldown: Duration.minutes(1),
      scaleInCooldown: Duration.minutes(15),
    };
    scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60, ...cooldowns });
    scaling.scaleToTrackCustomMetric('Connections', {
      metric: new Metric({
        namespace: metricsNamespace,
        metricName: metrics.edgeConnections,
        dimensionsMap: { service: stackName },
        statistic: Stats.AVERAGE,
        period: Duration.minutes(1),
      }),
      targetValue: connectionsPerTask(fleet),
      ...cooldowns,
    });
  }
}
