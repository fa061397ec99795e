import { Duration, Stack, Validations } from 'aws-cdk-lib';
import { HttpApi, HttpMethod, HttpNoneAuthorizer, HttpStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { httpLogFields } from '../access-log.ts';
import { routeThrottle } from '../account-quotas.ts';
import type { StageSettings } from '../settings.ts';
import { accessLogOf } from './access-log-group.ts';
import { createInOrder } from './in-order.ts';
import type { ServiceFunction } from './service-function.ts';

export interface HttpRoutes {
  readonly admin: ServiceFunction;
  readonly publish: ServiceFunction;
  /** Present where there are rules. */
  readonly ownRules?: ServiceFunction;
}

/**
 * The HTTP API: `/admin` for operators with AWS credentials, `/publish` and `/rules` for tenants
 * with a JWT.
 */
export class HttpGateway extends Construct {
  readonly adminUrl: string;
  readonly publishUrl: string;
  readonly accessLogs: ILogGroup | undefined;
  private readonly api: HttpApi;

  constructor(
    scope: Construct,
    id: string,
    settings: StageSettings,
    { admin, publish, ownRules }: HttpRoutes,
  ) {
    super(scope, id);
    const api = new HttpApi(this, 'Api', {
      apiName: `${settings.stackName}-http`,
      description: 'Admin API and publishing over HTTP',
      createDefaultStage: false,
    });
    const timeout = Duration.seconds(29);
    api.addRoutes({
      path: '/admin/{proxy+}',
      methods: [HttpMethod.ANY],
      integration: new HttpLambdaIntegration('Admin', admin, { timeout }),
      authorizer: new HttpIamAuthorizer(),
    });
    // OPTIONS: the preflight of a page, which the function answers. CORS of the API itself would
    // hold for `/admin` too.
    const addTenantRoutes = (paths: string[], methods: HttpMethod[], integration: HttpLambdaIntegration) => {
      for (const path of paths) {
        const routes = api.addRoutes({
          path,
          methods: [...methods, HttpMethod.OPTIONS],
          integration,
          authorizer: new HttpNoneAuthorizer(),
        });
        for (const route of routes)
          Validations.of(route).acknowledge({
            id: 'AwsSolutions-APIG4',
            reason: "Tenants bring a JWT, which the function verifies with the tenant's own keys.",
          });
      }
    };
    addTenantRoutes(
      ['/publish', '/publish/{topic+}'],
      [HttpMethod.POST],
      new HttpLambdaIntegration('Publish', publish, { timeout }),
    );
    if (ownRules !== undefined)
      addTenantRoutes(
        ['/rules/{rule+}'],
        [HttpMethod.GET, HttpMethod.PUT, HttpMethod.DELETE],
        new HttpLambdaIntegration('OwnRules', ownRules, { timeout }),
      );
    createInOrder(api);
    const logs = accessLogOf(this, settings, httpLogFields);
    this.accessLogs = logs.group;
    new HttpStage(this, 'Stage', {
      httpApi: api,
      stageName: '$default',
      autoDeploy: true,
      throttle: routeThrottle(settings, Stack.of(this).region, 'http'),
      ...logs.stage,
    });
    this.api = api;
    this.adminUrl = `${api.apiEndpoint}/admin`;
    this.publishUrl = `${api.apiEndpoint}/publish`;
  }

  /** Answers with 5xx in each `period`. */
  serverErrors(period: Duration): Metric {
    return this.api.metricServerError({ period, statistic: Stats.SUM });
  }

  /** Allows `grantee` all requests of the admin API. */
  grantAdmin(grantee: IGrantable): Grant {
    // Any stage, any method:
    // https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: [
        Stack.of(this).formatArn({
          service: 'execute-api',
          resource: this.api.apiId,
          resourceName: '*/*/admin/*',
        }),
      ],
    });
  }
}
