import { ManagedPolicy, type PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { logLevelVariable } from '../../../lib/aws/environment.ts';
import type { StageSettings } from '../../settings.ts';
import type { Grantee } from '../grantee.ts';

/**
 * What a process of the edge may do, and its environment. A managed policy, so that processes
 * outside of the stack get the same: attach it to their role or user.
 */
export class EdgePolicy extends Construct implements Grantee {
  readonly grants: ManagedPolicy;
  readonly environment: Record<string, string>;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    this.grants = new ManagedPolicy(this, 'Policy', {
      description: `Processes of the edge of ${settings.stackName}`,
    });
    this.environment = {
      POWERTOOLS_SERVICE_NAME: settings.stackName,
      [logLevelVariable]: settings.logLevel,
    };
  }

  addToRolePolicy(statement: PolicyStatement): void {
    this.grants.addStatements(statement);
  }

  addEnvironment(name: string, value: string): void {
    this.environment[name] = value;
  }
}
