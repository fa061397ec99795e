import { CfnResource } from 'aws-cdk-lib';
import { CfnIntegration, CfnRoute, CfnRouteResponse } from 'aws-cdk-lib/aws-apigatewayv2';
import type { IConstruct } from 'constructs';

/** Each refers only to resources of the types before it. */
const types = [CfnIntegration, CfnRoute, CfnRouteResponse];

/**
 * Makes CloudFormation create the routes and integrations of one API one after another. Side by
 * side API Gateway refuses some of them: "Unable to complete operation due to concurrent
 * modification".
 *
 * @param api the scope of all routes, to which none is added later.
 */
export function createInOrder(api: IConstruct): void {
  const resources = api.node.findAll().filter((one): one is CfnResource => CfnResource.isCfnResource(one));
  const ordered = types.flatMap((type) => resources.filter((one) => one instanceof type));
  ordered.forEach((one, index) => {
    const before = ordered[index - 1];
    if (before !== undefined) one.addResourceDependency(before);
  });
}
