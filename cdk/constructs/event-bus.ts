import { Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { eventBusVariable } from '../../lib/aws/environment.ts';
import type { Grantee } from './grantee.ts';

/** Allows `target` to put events on one bus of this account and region, and sets the bus's name. */
export function grantPutEvents(target: Grantee, busName: string): void {
  const stack = Stack.of(target.grants);
  const resources = [stack.formatArn({ service: 'events', resource: 'event-bus', resourceName: busName })];
  target.addToRolePolicy(new PolicyStatement({ actions: ['events:PutEvents'], resources }));
  target.addEnvironment(eventBusVariable, busName);
}
