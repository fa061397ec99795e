import { Duration, Validations } from 'aws-cdk-lib';
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import {
  ListenerCertificate,
  NetworkLoadBalancer,
  NetworkTargetGroup,
  Protocol,
  SslPolicy,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import type { EdgeFleetSettings } from '../../edge-settings.ts';
import { type EdgeListener, edgeListeners, healthPort } from './listeners.ts';
import type { EdgeNetwork } from './network.ts';

/**
 * How long ECS waits between the end of new connections to a task and SIGTERM. The clients that are
 * there are told afterwards, by the process.
 * https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-connection-draining.html
 */
const deregistrationDelay = Duration.seconds(10);

/**
 * The longest silence that a TCP listener allows, above every keep-alive in use. TLS listeners have
 * 350 seconds, which cannot be changed.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html
 */
const tcpIdleTimeout = Duration.seconds(6_000);

/** The Network Load Balancer with a listener and a target group for each port. */
export class Balancer extends Construct {
  /** Name in DNS, to which your own name points. */
  readonly host: string;
  readonly #balancer: NetworkLoadBalancer;
  readonly #group: SecurityGroup;
  readonly #targetGroups: NetworkTargetGroup[] = [];
  readonly #listeners: readonly EdgeListener[];
  readonly #settings: EdgeFleetSettings;

  constructor(scope: Construct, id: string, settings: EdgeFleetSettings, network: EdgeNetwork) {
    super(scope, id);
    this.#settings = settings;
    this.#listeners = edgeListeners(settings);
    const { vpc, subnets, isPublic } = network;
    this.#group = new SecurityGroup(this, 'Group', {
      vpc,
      description: 'Clients of the edge',
      allowAllOutbound: false,
    });
    for (const { port } of this.#listeners) this.#group.addIngressRule(Peer.anyIpv4(), Port.tcp(port));
    Validations.of(this.#group).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'Clients come from anywhere and prove themselves with tokens or certificates.',
    });
    this.#balancer = new NetworkLoadBalancer(this, 'Balancer', {
      vpc,
      vpcSubnets: { subnets: [...subnets] },
      internetFacing: isPublic,
      securityGroups: [this.#group],
    });
    Validations.of(this.#balancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'Its log covers TLS listeners alone; the tasks log each client that they refuse or end.',
    });
    this.host = this.#balancer.loadBalancerDnsName;
  }

  /** Sends the clients of each port to the tasks, and lets nobody else reach them. */
  connect(service: FargateService, containerName: string): void {
    for (const { port, taskPort, endsTls } of this.#listeners) {
      const targetGroup = this.#targetGroup(port, taskPort, service, containerName);
      this.#targetGroups.push(targetGroup);
      const { certificateArn } = this.#settings;
      const listener = this.#balancer.addListener(`Listener${port}`, {
        port,
        defaultTargetGroups: [targetGroup],
        ...(endsTls && certificateArn !== undefined
          ? {
              protocol: Protocol.TLS,
              certificates: [ListenerCertificate.fromArn(certificateArn)],
              sslPolicy: SslPolicy.RECOMMENDED_TLS,
            }
          : { protocol: Protocol.TCP, tcpIdleTimeout }),
      });
      // ECS refuses a target group that no load balancer has.
      service.node.addDependency(listener);
    }
    for (const taskPort of new Set([...this.#listeners.map((one) => one.taskPort), healthPort]))
      service.connections.allowFrom(this.#group, Port.tcp(taskPort));
  }

  #targetGroup(
    port: number,
    taskPort: number,
    service: FargateService,
    containerName: string,
  ): NetworkTargetGroup {
    const targetGroup = new NetworkTargetGroup(this, `Targets${port}`, {
      vpc: service.cluster.vpc,
      port: taskPort,
      protocol: Protocol.TCP,
      targetType: TargetType.IP,
      targets: [service.loadBalancerTarget({ containerName, containerPort: taskPort })],
      // The process bounds connections by address, so it must see that of the client.
      preserveClientIp: true,
      deregistrationDelay,
      connectionTermination: false,
      healthCheck: {
        protocol: Protocol.HTTP,
        path: '/health',
        port: String(healthPort),
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        // A process that has lost its lease gets a new one within this time, or has ended.
        unhealthyThresholdCount: 3,
      },
    });
    // A process that drains says that it is unhealthy. By default the load balancer then cuts all
    // its connections at once.
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html
    targetGroup.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'false');
    return targetGroup;
  }

  /** A metric of the load balancer as a whole. */
  metric(metricName: string, statistic: string): Metric {
    return this.#balancer.metrics.custom(metricName, { statistic });
  }

  /** Tasks that fail their health check, or pass it, as the first port sees them. */
  hosts(metricName: 'UnHealthyHostCount' | 'HealthyHostCount'): Metric {
    const [targetGroup] = this.#targetGroups;
    if (targetGroup === undefined) throw new Error('the load balancer has no port');
    return targetGroup.metrics.custom(metricName, { statistic: Stats.MAXIMUM });
  }
}
