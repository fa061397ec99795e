import { ArnFormat, CustomResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { setLogRoleSource } from './set-log-role.ts';

/**
 * API Gateway's role for CloudWatch Logs, one setting per account and region, without which no
 * WebSocket stage can have an access log. Role and setting are retained: other stacks of the
 * account and region may depend on them.
 */
export class LogRole extends Construct {
  /** @param overwrite whether a role that the account already has is replaced. */
  constructor(scope: Construct, id: string, overwrite: boolean) {
    super(scope, id);
    const role = new Role(scope, 'LogRole', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [
        ManagedPolicy.fromAwsManagedPolicyName('service-role/AmazonAPIGatewayPushToCloudWatchLogs'),
      ],
    });
    role.applyRemovalPolicy(RemovalPolicy.RETAIN);
    Validations.of(role).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
      reason:
        'The role belongs to API Gateway, serves all APIs of the account, and AWS keeps its policy fitting.',
    });
    if (overwrite) {
      const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn });
      account.applyRemovalPolicy(RemovalPolicy.RETAIN);
    } else {
      this.setWhereAbsent(role);
    }
  }

  /**
   * CloudFormation itself cannot look before it sets the role, so a function does: when the stack
   * is created, and when its role changes. It runs in the account of the stack, so a pipeline needs
   * no rights there at synthesis.
   */
  private setWhereAbsent(role: Role): void {
    const setterRole = new Role(this, 'SetterRole', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    });
    const logGroup = new LogGroup(this, 'SetterLogs', {
      retention: RetentionDays.ONE_WEEK,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    logGroup.grantWrite(setterRole);
    setterRole.addToPolicy(
      new PolicyStatement({
        actions: ['apigateway:GET', 'apigateway:PATCH'],
        resources: [
          Stack.of(this).formatArn({
            service: 'apigateway',
            account: '',
            resource: '/account',
            arnFormat: ArnFormat.NO_RESOURCE_NAME,
          }),
        ],
      }),
    );
    setterRole.addToPolicy(
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [role.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'apigateway.amazonaws.com' } },
      }),
    );
    const setter = new LambdaFunction(this, 'Setter', {
      description: "API Gateway's role for logs, where the account has none",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromInline(setLogRoleSource),
      timeout: Duration.minutes(2),
      role: setterRole,
      logGroup,
    });
    const resource = new CustomResource(this, 'Setting', {
      serviceToken: setter.functionArn,
      resourceType: 'Custom::WispLogRole',
      properties: { RoleArn: role.roleArn },
    });
    // Without its policies the function could not even say that it failed.
    resource.node.addDependency(setterRole);
  }
}
