import { ArnFormat, Duration, Stack, Validations } from 'aws-cdk-lib';
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { backDoorEndpointVariable, backDoorUrlVariable } from '../../../lib/aws/environment.ts';
import { webSocketLogFields } from '../../access-log.ts';
import type { StageSettings } from '../../settings.ts';
import { accessLogOf } from '../access-log-group.ts';
import { type Gateway, grantConnections } from '../gateway.ts';
import type { Grantee } from '../grantee.ts';
import { createInOrder } from '../in-order.ts';
import type { ServiceFunction } from '../service-function.ts';

const stageName = 'door';

/**
 * Handshakes and heartbeats a second of all processes together: a process that nobody posts to has
 * a heartbeat a minute.
 */
const throttle = { rateLimit: 50, burstLimit: 100 };

/**
 * The WebSocket API by which functions and other processes reach the clients of a process of the
 * edge. Each process holds one connection to it. Whoever connects proves itself with AWS
 * credentials.
 */
export class BackDoor extends Construct {
  readonly stage: WebSocketStage;
  readonly #api: WebSocketApi;

  constructor(
    scope: Construct,
    id: string,
    settings: StageSettings,
    { backDoorFunction, gateway }: { readonly backDoorFunction: ServiceFunction; readonly gateway: Gateway },
  ) {
    super(scope, id);
    const integration = (name: string): WebSocketLambdaIntegration =>
      new WebSocketLambdaIntegration(name, backDoorFunction, { timeout: Duration.seconds(29) });
    this.#api = new WebSocketApi(this, 'Api', {
      apiName: `${settings.stackName}-door`,
      description: 'Back door of the edge',
      connectRouteOptions: { integration: integration('Connect'), authorizer: new WebSocketIamAuthorizer() },
      defaultRouteOptions: { integration: integration('Message'), returnResponse: true },
      disconnectRouteOptions: { integration: integration('Disconnect') },
    });
    createInOrder(this.#api);
    for (const route of ['$default', '$disconnect'])
      Validations.of(this.#api.node.findChild(`${route}-Route`)).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason: 'API Gateway authorises $connect alone, here with IAM; the others belong to its connection.',
      });
    this.stage = new WebSocketStage(this, 'Stage', {
      webSocketApi: this.#api,
      stageName,
      autoDeploy: true,
      throttle,
      ...accessLogOf(this, settings, webSocketLogFields).stage,
    });
    // Whose access log needs the account's log role too, and waits for it.
    this.stage.node.addDependency(gateway.stage);
  }

  /** Allows `target` to post to the processes, and sets the endpoint. */
  grantPost(target: Grantee): void {
    grantConnections(target, this.#api, stageName, ['POST']);
    target.addEnvironment(backDoorEndpointVariable, this.stage.callbackUrl);
  }

  /** Allows `target` to connect as a process of the edge. */
  grantConnect(target: Grantee): void {
    const resource = Stack.of(this).formatArn({
      service: 'execute-api',
      resource: this.#api.apiId,
      resourceName: `${stageName}/$connect`,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
    target.addToRolePolicy(new PolicyStatement({ actions: ['execute-api:Invoke'], resources: [resource] }));
    target.addEnvironment(backDoorUrlVariable, this.stage.url);
  }
}
