import { type Duration, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  ApplicationLogLevel,
  Architecture,
  LoggingFormat,
  type RecursiveLoop,
  Runtime,
  SystemLogLevel,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { logLevelVariable } from '../../lib/aws/environment.ts';
import { reservedConcurrency } from '../account-quotas.ts';
import { functionSource } from '../function-source.ts';
import type { FunctionName, StageSettings } from '../settings.ts';
import type { Grantee } from './grantee.ts';
import { removalPolicyOf } from './removal.ts';

export interface ServiceFunctionProps {
  readonly name: FunctionName;
  readonly description: string;
  readonly timeout: Duration;
  /** Default: Lambda stops a function that sends to its own queue after about 16 rounds. */
  readonly recursiveLoop?: RecursiveLoop;
}

/**
 * One function of the service, with its own bundle, a log group with retention, and a role that may
 * only write to that log group until more is granted.
 */
export class ServiceFunction extends NodejsFunction implements Grantee {
  readonly grants: Role;

  constructor(scope: Construct, id: string, settings: StageSettings, props: ServiceFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: settings.logRetentionDays,
      removalPolicy: removalPolicyOf(settings),
    });
    const role = new Role(scope, `${id}Role`, { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    logGroup.grantWrite(role);
    const reserved = reservedConcurrency(settings, props.name);
    super(scope, id, {
      ...functionSource(props.name),
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: settings.memoryMegabytes[props.name],
      timeout: props.timeout,
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel[settings.logLevel],
      systemLogLevelV2: settings.logInvocations ? SystemLogLevel.INFO : SystemLogLevel.WARN,
      ...(settings.tracing === true ? { tracing: Tracing.ACTIVE } : {}),
      ...(reserved === undefined ? {} : { reservedConcurrentExecutions: reserved }),
      ...(props.recursiveLoop === undefined ? {} : { recursiveLoop: props.recursiveLoop }),
      environment: {
        POWERTOOLS_SERVICE_NAME: settings.stackName,
        [logLevelVariable]: settings.logLevel,
      },
    });
    this.grants = role;
    if (settings.tracing === true)
      Validations.of(role).acknowledge({
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'X-Ray takes segments without a resource: PutTraceSegments and PutTelemetryRecords alone.',
      });
  }
}
