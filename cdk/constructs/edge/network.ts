import { Annotations, Fn, Validations } from 'aws-cdk-lib';
import {
  GatewayVpcEndpointAwsService,
  type ISubnet,
  type IVpc,
  Subnet,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { EdgeVpcSettings } from '../../edge-settings.ts';

export interface EdgeNetwork {
  readonly vpc: IVpc;
  readonly subnets: readonly ISubnet[];
  /** Whether load balancer and tasks have public addresses. */
  readonly isPublic: boolean;
}

/**
 * The network of the tasks: one that exists, or one of its own with a public subnet in two zones.
 *
 * Public subnets and no NAT: the tasks call DynamoDB, SQS, API Gateway, Secrets Manager and the key
 * sets of issuers. Two NAT gateways would cost more than the rest of a small edge, and endpoints
 * for these services about as much, without reaching issuers. A public address admits nobody: the
 * tasks accept connections from the load balancer alone. The gateway endpoint of DynamoDB is free
 * and keeps most calls inside AWS's network, whatever the route to the internet does.
 */
export function edgeNetwork(scope: Construct, given: EdgeVpcSettings | undefined): EdgeNetwork {
  if (given !== undefined) return givenNetwork(scope, given);
  // Of the class's type strict TypeScript finds that it does not implement its interface.
  const vpc: IVpc = new Vpc(scope, 'Vpc', {
    maxAzs: 2,
    natGateways: 0,
    // ECS gives tasks their public addresses, so the subnets need not give one to everything.
    subnetConfiguration: [{ name: 'Public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false }],
    // Nothing uses the default group; a function that empties it would be one more thing to keep.
    restrictDefaultSecurityGroup: false,
    gatewayEndpoints: { DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
  }) as IVpc;
  Validations.of(vpc).acknowledge({
    id: 'AwsSolutions-VPC7',
    reason: 'Flow logs are billed by the line; the tasks log each client that they refuse or end.',
  });
  return { vpc, subnets: vpc.publicSubnets, isPublic: true };
}

function givenNetwork(scope: Construct, { id, subnetIds, isPrivate }: EdgeVpcSettings): EdgeNetwork {
  const subnets = subnetIds.map((subnetId, index) => {
    const subnet = Subnet.fromSubnetId(scope, `Subnet${index}`, subnetId);
    // Nobody asks for its route table, which an id does not tell.
    Annotations.of(subnet).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
    return subnet;
  });
  // The names of zones go nowhere into the template: nothing is looked up at synthesis.
  const availabilityZones = subnetIds.map((_, index) => Fn.select(index, Fn.getAzs()));
  return {
    vpc: Vpc.fromVpcAttributes(scope, 'Vpc', { vpcId: id, availabilityZones }),
    subnets,
    isPublic: !isPrivate,
  };
}
