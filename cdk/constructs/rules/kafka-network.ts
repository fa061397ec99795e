import { Validations } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { KafkaVpcSettings } from '../../rule-settings.ts';
import type { ServiceFunction } from '../service-function.ts';

/** What Lambda itself needs for the network interfaces of a function in a VPC. */
const interfaceActions = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
];

/**
 * Puts a function into a VPC. Its role may manage network interfaces, as Lambda demands, but its
 * code may not: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
 */
export function placeInVpc(target: ServiceFunction, { subnetIds, securityGroupIds }: KafkaVpcSettings): void {
  const resource = target.node.defaultChild as CfnFunction;
  resource.vpcConfig = { subnetIds: [...subnetIds], securityGroupIds: [...securityGroupIds] };
  target.addToRolePolicy(new PolicyStatement({ actions: interfaceActions, resources: ['*'] }));
  target.addToRolePolicy(
    new PolicyStatement({
      effect: Effect.DENY,
      actions: interfaceActions,
      resources: ['*'],
      conditions: { Null: { 'lambda:SourceFunctionArn': 'false' } },
    }),
  );
  Validations.of(target.grants).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'Lambda makes interfaces whose ids are not known; the code of the function is denied them.',
  });
}
