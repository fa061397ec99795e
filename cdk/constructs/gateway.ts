import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { type CfnApi, type CfnStage, WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct, type IDependable } from 'constructs';
import { callbackEndpointVariable } from '../../lib/aws/environment.ts';
import { oneWayRouteKey, routeSelectionExpression } from '../../lib/wire/index.ts';
import { webSocketLogFields } from '../access-log.ts';
import { routeThrottle } from '../account-quotas.ts';
import type { RouteName, StageSettings } from '../settings.ts';
import { accessLogOf } from './access-log-group.ts';
import type { Grantee } from './grantee.ts';
import { createInOrder } from './in-order.ts';
import { LogRole } from './log-role.ts';
import type { ServiceFunction } from './service-function.ts';

/** Name of the stage, which is the path of the clients' URL. */
export const stageName = 'mqtt';

/**
 * API Gateway's integration timeout is 29 s. The function stops earlier, so that Lambda reports the
 * error.
 */
export const routeTimeout = Duration.seconds(28);

export interface GatewayRoutes {
  readonly connect: ServiceFunction;
  readonly message: ServiceFunction;
  readonly disconnect: ServiceFunction;
}

/**
 * The WebSocket API: four routes, of which only `$default` answers, on one stage with automatic
 * deployment.
 */
export class Gateway extends Construct {
  readonly api: WebSocketApi;
  readonly stage: WebSocketStage;
  readonly accessLogs: ILogGroup | undefined;
  readonly #settings: StageSettings;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    this.#settings = settings;
    this.api = new WebSocketApi(this, 'Api', {
      apiName: settings.stackName,
      routeSelectionExpression,
      description: 'MQTT over WebSockets, wire profile wisp.b64.v1',
    });
    const logs = accessLogOf(this, settings, webSocketLogFields);
    this.accessLogs = logs.group;
    this.stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.api,
      stageName,
      autoDeploy: true,
      throttle: routeThrottle(settings, Stack.of(this).region, '$default'),
      ...logs.stage,
    });
    const { accessLog, apiGatewayLogRole } = settings;
    if (accessLog && apiGatewayLogRole !== 'existing')
      this.stage.node.addDependency(new LogRole(this, 'LogRoleSetting', apiGatewayLogRole === 'create'));
  }

  /** WebSocket URL of the stage without a custom domain. */
  get url(): string {
    return this.stage.url;
  }

  /**
   * Connects routes and functions. Only `$default` may answer, and its reply is the wire profile's
   * back-pressure. One-way frames have their own route, because only a route without a route
   * response sends no answer.
   */
  addRoutes({ connect, message, disconnect }: GatewayRoutes): void {
    const timeout = Duration.seconds(29);
    const routes = {
      $connect: this.api.addRoute('$connect', {
        integration: new WebSocketLambdaIntegration('Connect', connect, { timeout }),
      }),
      $default: this.api.addRoute('$default', {
        integration: new WebSocketLambdaIntegration('Message', message, { timeout }),
        returnResponse: true,
      }),
      [oneWayRouteKey]: this.api.addRoute(oneWayRouteKey, {
        integration: new WebSocketLambdaIntegration('OneWay', message, { timeout }),
      }),
      $disconnect: this.api.addRoute('$disconnect', {
        integration: new WebSocketLambdaIntegration('Disconnect', disconnect, { timeout }),
      }),
    } as const;
    createInOrder(this.api);
    this.#throttle(routes);
    for (const route of Object.values(routes)) {
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'MQTT clients prove themselves in CONNECT, whose token the message function verifies.',
      });
    }
  }

  /**
   * Gives each route its own rate. API Gateway refuses settings of routes that do not exist yet
   * ("Unable to find Route by key"), so the stage waits for them.
   */
  #throttle(routes: Readonly<Record<Exclude<RouteName, 'http'>, IDependable>>): void {
    const { region } = Stack.of(this);
    (this.stage.node.defaultChild as CfnStage).routeSettings = Object.fromEntries(
      (Object.keys(routes) as (keyof typeof routes)[]).map((name) => {
        const { rateLimit, burstLimit } = routeThrottle(this.#settings, region, name);
        return [name, { ThrottlingRateLimit: rateLimit, ThrottlingBurstLimit: burstLimit }];
      }),
    );
    this.stage.node.addDependency(...Object.values(routes));
  }

  /**
   * Allows `target` to post to, inspect and close connections of this stage, and sets the endpoint.
   */
  grantManageConnections(target: Grantee): void {
    grantConnections(target, this.api, stageName, ['POST', 'GET', 'DELETE']);
    target.addEnvironment(callbackEndpointVariable, this.stage.callbackUrl);
  }
}

/** Allows `target` requests of these methods to `@connections` of one stage. */
export function grantConnections(
  target: Grantee,
  api: WebSocketApi,
  stage: string,
  methods: readonly ('POST' | 'GET' | 'DELETE')[],
): void {
  const stack = Stack.of(api);
  const apiLogicalId = stack.getLogicalId(api.node.defaultChild as CfnApi);
  for (const method of methods) {
    const path = `${stage}/${method}/@connections/*`;
    const resource = stack.formatArn({
      service: 'execute-api',
      resource: api.apiId,
      resourceName: path,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    target.addToRolePolicy(
      new PolicyStatement({ actions: ['execute-api:ManageConnections'], resources: [resource] }),
    );
    const finding = `arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${apiLogicalId}>/${path}`;
    Validations.of(target.grants).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${finding}]`,
      reason: 'Connection ids are not known beforehand: all of this stage, and of no other.',
    });
  }
}
