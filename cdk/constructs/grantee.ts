import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** What runs code of the service: a function, or a process of the edge. */
export interface Grantee {
  /**
   * Role or policy that holds its permissions; findings of cdk-nag about them are acknowledged
   * here.
   */
  readonly grants: IConstruct;
  addToRolePolicy(statement: PolicyStatement): void;
  addEnvironment(name: string, value: string): unknown;
}
