import {
  ApiGatewayV2Client,
  GetApiCommand,
  GetIntegrationsCommand,
  GetRoutesCommand,
} from '@aws-sdk/client-apigatewayv2';
import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { oneWayRouteKey, routeSelectionExpression } from '../../wire/index.ts';
import type { Route } from '../gateway/index.ts';
import { UserError } from '../operator/user-error.ts';
import { type Emulator, emulatorClientSettings } from './emulator.ts';

const wispRoutes = ['$connect', '$default', '$disconnect', oneWayRouteKey];

/** A Wisp stack as deployed at an emulator. */
export interface Deployed {
  readonly apiId: string;
  /** Name of the API's stage: the path of its URL. */
  readonly stage: string;
  readonly routeSelectionExpression: string;
  /** Name of the function behind each route, read from the deployed API. */
  readonly routes: Readonly<Record<Route, string>>;
  /** Names of all functions of the stack. */
  readonly functions: readonly string[];
}

/**
 * Reads the routes and their functions from the deployed API, so that a wrong integration shows.
 *
 * @throws UserError `deployed` if the stack or a part of it is missing.
 */
export async function readDeployed(emulator: Emulator, stackName: string): Promise<Deployed> {
  const client = new CloudFormationClient(emulatorClientSettings(emulator));
  try {
    const stageUrl = await readStageUrl(client, stackName);
    const { StackResources = [] } = await client.send(
      new DescribeStackResourcesCommand({ StackName: stackName }),
    );
    const idsOf = (type: string) =>
      StackResources.flatMap(({ ResourceType, PhysicalResourceId }) =>
        ResourceType === type && PhysicalResourceId !== undefined ? [PhysicalResourceId] : [],
      );
    const [apiId] = idsOf('AWS::ApiGatewayV2::Api');
    if (apiId === undefined) throw new UserError('deployed', `stack ${stackName} has no WebSocket API`);
    return {
      apiId,
      stage: stageUrl.pathname.slice(1),
      ...(await readRoutes(emulator, apiId)),
      functions: idsOf('AWS::Lambda::Function'),
    };
  } finally {
    client.destroy();
  }
}

async function readStageUrl(client: CloudFormationClient, stackName: string): Promise<URL> {
  const missing = new UserError(
    'deployed',
    `stack ${stackName} is not deployed there; deploy it with "npm run deploy:local" (--stack names another)`,
  );
  const { Stacks } = await client
    .send(new DescribeStacksCommand({ StackName: stackName }))
    .catch((error: unknown) => {
      throw error instanceof Error && error.name === 'ValidationError' ? missing : error;
    });
  const outputs = Stacks?.[0]?.Outputs ?? [];
  const url = outputs.find(({ OutputKey }) => OutputKey === 'WebSocketUrl')?.OutputValue;
  if (url === undefined) throw missing;
  return new URL(url);
}

async function readRoutes(
  emulator: Emulator,
  apiId: string,
): Promise<Pick<Deployed, 'routeSelectionExpression' | 'routes'>> {
  const client = new ApiGatewayV2Client(emulatorClientSettings(emulator));
  try {
    const [api, routes, integrations] = await Promise.all([
      client.send(new GetApiCommand({ ApiId: apiId })),
      client.send(new GetRoutesCommand({ ApiId: apiId })),
      client.send(new GetIntegrationsCommand({ ApiId: apiId })),
    ]);
    const functionOf = (route: Route): string => {
      const target = routes.Items?.find(({ RouteKey }) => RouteKey === route)?.Target;
      const integration = integrations.Items?.find(
        ({ IntegrationId }) => target === `integrations/${IntegrationId}`,
      );
      const name = /:function:([A-Za-z0-9_-]+)/.exec(integration?.IntegrationUri ?? '')?.[1];
      if (name === undefined) throw new UserError('deployed', `API ${apiId} has no function behind ${route}`);
      return name;
    };
    const { RouteSelectionExpression = routeSelectionExpression } = api;
    return {
      routeSelectionExpression: RouteSelectionExpression,
      routes: Object.fromEntries(wispRoutes.map((route) => [route, functionOf(route)])),
    };
  } finally {
    client.destroy();
  }
}
